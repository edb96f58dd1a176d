/** log-recovery.md: recovery by a threshold of officers. */
import { equal, hex } from './bytes.js';
import { checkAcceptance, parseRecord } from './device.js';
import { op } from './entry.js';
import { must, within } from './refusal.js';
import { DataKey, kinds, publicKeyName } from './suite.js';
import { role } from './words.js';

/**
 * @typedef {object} Enrolment
 * @property {number} threshold
 * @property {Uint8Array} commitment of the escrow key
 * @property {number} generation
 * @property {Uint8Array} sealed
 * @property {{officer: Uint8Array, commitment: Uint8Array}[]} shares by index, from 1
 * @property {string} author
 * @property {boolean} ended
 *
 * @typedef {object} Request
 * @property {string} member
 * @property {number} number
 * @property {ReturnType<typeof parseRecord>} record
 * @property {Uint8Array} reason
 * @property {string} by
 * @property {{index: number, by: string}[]} approvals
 * @property {boolean} ended
 */

const nobody = new Uint8Array(32);
/** The order of ristretto255. */
const q = 2n ** 252n + 27742317777372353535851937790883648493n;

/** @param {{enrolments: Enrolment[]}} [member] @returns {Enrolment | undefined} */
const present = (member) => member?.enrolments.findLast(({ ended }) => !ended);

/** What the methods of a step on an entry need for recovery; mixed into them in log.js. */
export const recoverySteps = {
  /** @param {string} device @returns {Request | undefined} */
  openRequest(device) {
    const request = this.state.requests.get(device);
    return request?.ended ? undefined : request;
  },

  /** @param {ReturnType<typeof parseRecord>} record */
  newDevice(record) {
    const id = hex(record.id);
    must(!this.state.devices.has(id) && !this.state.requests.has(id), 'L-14', 'the device is not new');
  },

  endEnrolment(member) {
    const enrolment = present(member);
    if (enrolment === undefined) return;
    enrolment.ended = true;
    for (const request of this.state.requests.values()) if (request.member === hex(member.id)) request.ended = true;
  },

  [op.recoveryEnrolled]({ member: id, enrolment: number, threshold, commitment, generation, sealed, shares }) {
    must(hex(id) === this.me, 'L-11', 'somebody else');
    const member = this.state.members.get(this.me);
    must(number === member.enrolments.length + 1, 'L-16', `enrolment ${number}`);
    must(generation === member.userKeys.length && !member.closed, 'L-16', `generation ${generation}`);
    const least = this.state.policy.recovery;
    must(least !== 0 && threshold >= least && threshold <= shares.length && shares.length <= 255, 'L-5', `threshold ${threshold}`);
    this.claimKey(commitment);
    const holders = new Set([this.me]);
    for (const { officer, commitment: share } of shares) {
      must(this.member(officer).role === role.officer && !holders.has(hex(officer)), 'L-15', 'not another officer');
      holders.add(hex(officer));
      this.claimKey(share);
    }
    must(present(member) === undefined, 'L-20', 'the user key of the enrolment before');
    member.enrolments.push({ threshold, commitment, generation, sealed, shares, author: this.author, ended: false });
  },

  [op.recoveryEnded]({ member: id, enrolment: number }) {
    must(hex(id) === this.me, 'L-11', 'somebody else');
    const member = this.state.members.get(this.me);
    must(present(member) !== undefined && number === member.enrolments.length, 'L-15', `enrolment ${number}`);
    this.endEnrolment(member);
    this.owesUserKey = true;
  },

  [op.recoveryRequested]({ member: id, enrolment: number, device, acceptance, reason }) {
    must(hex(id) !== this.me, 'L-11', 'oneself');
    const member = this.member(id);
    must(present(member) !== undefined, 'L-15', 'not enrolled');
    must(number === member.enrolments.length, 'L-16', `enrolment ${number}`);
    const record = within('L-5', () => {
      checkAcceptance(this.state.organization, nobody, device, acceptance);
      return parseRecord(device);
    });
    must(record.kind === 1, 'L-5', 'not an installation');
    this.newDevice(record);
    this.state.requests.set(hex(record.id), { member: hex(id), number, record, reason, by: this.author, approvals: [], ended: false });
    this.claimText(reason);
    this.claimDevice(record);
  },

  [op.recoveryApproved]({ member, device, enrolment: number, index }) {
    const request = this.openRequest(hex(device));
    must(request !== undefined && request.member === hex(member), 'L-15', 'no such request');
    must(number === request.number, 'L-16', `enrolment ${number}`);
    const share = present(this.state.members.get(request.member)).shares[index - 1];
    must(share !== undefined && hex(share.officer) === this.me, 'L-15', "another's share");
    must(!request.approvals.some((approval) => approval.index === index), 'L-15', 'approved already');
    request.approvals.push({ index, by: this.author });
  },

  [op.recoveryFinished]({ member: id, device, enrolment: number }) {
    const { state } = this;
    const request = this.openRequest(this.author);
    must(hex(id) === request.member && hex(device) === this.author, 'L-15', 'another request');
    must(number === request.number, 'L-16', `enrolment ${number}`);
    const member = state.members.get(request.member);
    const { shares, threshold } = present(member);
    const counts = request.approvals.filter(({ index }) => {
      const officer = state.members.get(hex(shares[index - 1].officer));
      return officer.role === role.officer && !officer.removed;
    });
    must(counts.length >= threshold, 'L-11', 'too few officers approved');
    for (const other of member.devices) state.devices.get(other).removed = true;
    this.addDevice(request.member, request.record, request.approvals.at(-1).by);
    this.endEnrolment(member);
    this.me = request.member;
    this.owesUserKey = true;
    this.oweReach(this.me);
  },
};

/**
 * Who may send an officer's share (L-41 to L-45).
 * @param {import('./log.js').State} state
 * @param {{member: Uint8Array, number: number, index: number, officer: Uint8Array, recipientKey: Uint8Array, sender: Uint8Array}} claim
 */
export function checkShare(state, claim) {
  const member = state.members.get(hex(claim.member));
  const officer = state.members.get(hex(claim.officer));
  const enrolment = present(member);
  must(officer !== undefined && enrolment !== undefined, 'L-41', 'unknown, or not enrolled');
  must(claim.number === member.enrolments.length, 'L-42', 'another enrolment');
  const share = enrolment.shares[claim.index - 1];
  must(share !== undefined && equal(share.officer, claim.officer), 'L-43', "another's share");
  must(officer.userKeys.some((g) => equal(publicKeyName(g.public), claim.recipientKey)), 'L-44', "not a key of the officer's");
  must(hex(claim.sender) === enrolment.author, 'L-45', 'not from who enrolled');
  return share.commitment;
}

/**
 * Who may send a share to a requesting device (L-46 to L-48).
 * @param {import('./log.js').State} state
 * @param {{device: Uint8Array, number: number, index: number, sender: Uint8Array}} claim
 */
export function checkResealedShare(state, claim) {
  const request = state.requests.get(hex(claim.device));
  must(request !== undefined && !request.ended, 'L-46', 'no such request');
  must(claim.number === request.number, 'L-47', 'another enrolment');
  const from = request.approvals.some(({ index, by }) => index === claim.index && by === hex(claim.sender));
  must(from, 'L-48', 'not from who approved');
  return state.members.get(request.member).enrolments[request.number - 1].shares[claim.index - 1].commitment;
}

/** @param {Uint8Array} bytes little-endian */
const number = (bytes) => bytes.reduceRight((n, byte) => n * 256n + BigInt(byte), 0n);

/** @param {bigint} n */
const encoded = (n) => Uint8Array.from({ length: 32 }, (_, i) => Number((n >> BigInt(8 * i)) & 255n));

const mod = (n) => ((n % q) + q) % q;

/** By Fermat's little theorem. @param {bigint} n */
function inverse(n) {
  let [result, base] = [1n, mod(n)];
  for (let e = q - 2n; e > 0n; e >>= 1n) {
    if (e & 1n) result = mod(result * base);
    base = mod(base * base);
  }
  return result;
}

/**
 * Opens the user key's seed that a member's present enrolment holds.
 * @param {import('./log.js').State} state
 * @param {Uint8Array} id of the member
 * @param {{index: number, share: Uint8Array}[]} parts
 */
export function openEscrow(state, id, parts) {
  const { organization } = state;
  const member = state.members.get(hex(id));
  const enrolment = present(member);
  const epoch = member.enrolments.length;
  const shares = parts.slice(0, enrolment.threshold).map(({ index, share }) => {
    const resource = Uint8Array.of(...id, index);
    must(number(share) < q, 'S-21', 'not below q');
    new DataKey(share, { organization, resource, kind: kinds.share, epoch }).check(enrolment.shares[index - 1].commitment);
    return { x: BigInt(index), y: number(share) };
  });
  const sum = shares.reduce((total, { x, y }) => {
    const others = shares.filter((other) => other.x !== x);
    return mod(total + others.reduce((term, other) => mod(term * other.x * inverse(other.x - x)), y));
  }, 0n);
  const key = new DataKey(encoded(sum), { organization, resource: id, kind: kinds.escrow, epoch }).check(enrolment.commitment);
  const user = member.userKeys[enrolment.generation - 1];
  const seed = key.open('underseal/v1/escrow', user.commitment, enrolment.sealed);
  return new DataKey(seed, { organization, resource: id, kind: kinds.user, epoch: enrolment.generation }).check(user.commitment, user.public);
}
