/** log.md, "Replay": from the entries of a log to who may do what. */
import { equal, hex } from './bytes.js';
import { parseCard } from './card.js';
import { checkAcceptance, parseRecord } from './device.js';
import { op, openBlob, parseEntry, parseOperation } from './entry.js';
import { groupSteps, rightsOf } from './groups.js';
import { defaultPolicy, memberSteps } from './members.js';
import { recoverySteps } from './recovery.js';
import { resourceSteps } from './resources.js';
import { must, within } from './refusal.js';
import { checkSealingKey, publicKeyName, sum, verify } from './suite.js';
import { authority, of, right, role, sender } from './words.js';

const zero = new Uint8Array(32);
/**
 * What a log says, keyed by ids in hexadecimal. Maps keep the order of the log.
 *
 * @typedef {object} State
 * @property {Uint8Array} organization
 * @property {number} length
 * @property {Uint8Array} head
 * @property {Uint8Array} [name] commitment to the organization's name
 * @property {Map<string, Member>} members
 * @property {Map<string, Device>} devices
 * @property {Map<string, Resource>} resources
 * @property {Map<string, import('./groups.js').Group>} groups
 * @property {Map<string, import('./recovery.js').Request>} requests by requesting device, also those that have ended
 * @property {string} [directory]
 * @property {typeof defaultPolicy} policy
 * @property {boolean} policySet whether it is not the default
 * @property {Set<string>} keyIds
 * @property {Set<string>} texts
 * @property {Set<string>} invites
 * @property {Set<string>} bindings of resources that have not ended
 * @property {Map<string, {epoch: number, sealed: Uint8Array}>} openings by text and resource
 *
 * @typedef {object} Member
 * @property {Uint8Array} id
 * @property {number} role
 * @property {number | bigint} [expires]
 * @property {Uint8Array} name
 * @property {Uint8Array} email
 * @property {Generation[]} userKeys
 * @property {boolean} closed of the present user key
 * @property {string[]} devices
 * @property {boolean} removed
 * @property {import('./recovery.js').Enrolment[]} enrolments by number, from 1
 *
 * @typedef {object} Generation
 * @property {Uint8Array} public
 * @property {Uint8Array} commitment
 * @property {Uint8Array} [previous]
 * @property {string} [author]
 * @property {number} entry
 *
 * @typedef {object} Device
 * @property {Uint8Array} id
 * @property {string} member
 * @property {ReturnType<typeof parseRecord>} record
 * @property {string} [addedBy]
 * @property {number} atKey the member's generation of then
 * @property {boolean} removed
 *
 * @typedef {object} Resource
 * @property {Uint8Array} id
 * @property {number} kind
 * @property {{connector: string, account: string, kind: string, id: string, encoded: Uint8Array}} binding
 * @property {boolean} ended
 * @property {Uint8Array} label
 * @property {{commitment: Uint8Array, public?: Uint8Array, previous?: Uint8Array, author: string, closed: boolean, entry: number}[]} epochs
 * @property {Map<string, {rights: number, senders: Set<string>, helpers: Map<string, string>}>} grants by member or group
 */

/** @returns {State} */
const initial = (organization) => ({
  organization,
  length: 0,
  head: zero,
  members: new Map(),
  devices: new Map(),
  resources: new Map(),
  groups: new Map(),
  requests: new Map(),
  policy: defaultPolicy,
  policySet: false,
  keyIds: new Set(),
  texts: new Set(),
  invites: new Set(),
  bindings: new Set(),
  openings: new Map(),
});

/**
 * Replays a log from its first entry on.
 * @param {Uint8Array} organization that is pinned
 * @param {Uint8Array[]} entries
 * @param {(name: string) => Uint8Array | undefined} [blobs] of a store
 */
export function replay(organization, entries, blobs) {
  must(entries.length > 0, 'L-22', 'an empty log');
  must(equal(sum('underseal/v1/organization', entries[0]), organization), 'L-7', 'another organization');
  return entries.reduce((state, entry) => apply(state, entry, blobs), initial(organization));
}

/**
 * The state after an entry. The state that is given stays as it is.
 * @param {State} before
 * @param {Uint8Array} bytes
 * @param {(name: string) => Uint8Array | undefined} [blobs] of a store
 */
export function apply(before, bytes, blobs = () => undefined) {
  const entry = parseEntry(bytes);
  const first = before.length === 0;
  must(entry.sequence === before.length, 'L-6', 'another sequence');
  must(equal(entry.previous, before.head), 'L-6', 'another entry before');
  must(equal(entry.organization, first ? zero : before.organization), 'L-7', 'another organization');
  const step = new Step(structuredClone(before), entry, blobs);
  if (first) step.found();
  else step.take();
  step.state.length++;
  step.state.head = sum('underseal/v1/entry-hash', bytes);
  return step.state;
}

/** One entry on its way into the state. */
class Step {
  /**
   * @param {State} state
   * @param {ReturnType<typeof parseEntry>} entry
   * @param {(name: string) => Uint8Array | undefined} blobs
   */
  constructor(state, entry, blobs) {
    this.blobs = blobs;
    this.blobsOfEntry = 0;
    this.state = state;
    this.entry = entry;
    this.author = hex(entry.author);
    /** @type {Map<string, number>} epochs by resource */
    this.owed = new Map();
    /** @type {Set<string>} resources */
    this.touched = new Set();
    /** @type {Map<string, number>} epochs by group */
    this.owedGroups = new Map();
    /** @type {Set<string>} groups */
    this.touchedGroups = new Set();
    this.owesUserKey = false;
  }

  /** Genesis: the first entry. */
  found() {
    const { state, entry } = this;
    // The pinned organization vouches for the whole entry.
    const operations = entry.operations.map(parseOperation);
    const [genesis] = operations;
    must(operations.length === 1 && genesis.number === op.genesis, 'L-8', 'not genesis alone');
    const card = within('L-8', () => parseCard(genesis.card));
    must(equal(card.device.id, entry.author), 'L-8', "not by the founder's device");
    this.verify(card.device.signing);
    state.name = genesis.name;
    this.claimText(genesis.name);
    this.addMember(card, role.officer);
  }

  /** Every other entry. */
  take() {
    const { state, entry } = this;
    const device = state.devices.get(this.author);
    const request = this.openRequest(this.author);
    must(request ?? (device !== undefined && !device.removed), 'L-9', 'by a device that is unknown or removed');
    this.verify((request ?? device).record.signing);
    // Who only asks is nobody yet, and is judged by the role of who they ask to be.
    this.me = request ? undefined : device.member;
    this.myRole = state.members.get((request ?? device).member).role;
    // Nothing is said of operations that their author did not sign.
    this.all(entry.operations);
    for (const [id, epoch] of this.owed) {
      const { epochs } = state.resources.get(id);
      must(epochs.length !== epoch || epochs.at(-1).closed, 'L-20', 'a resource is neither rotated nor closed');
    }
    must(!this.owesUserKey, 'L-20', 'the user key is not rotated');
    for (const id of this.touched) {
      const grants = [...state.resources.get(id).grants.values()];
      must(grants.some(({ rights }) => rights & right.share), 'L-21', 'nobody is left to share a resource');
    }
    this.groupsAtTheEnd();
    this.officersAtTheEnd();
  }

  /** @param {[number, unknown][]} operations that stand in an entry or blob */
  all(operations) {
    for (const operation of operations.map(parseOperation)) {
      must(authority[operation.number].includes(this.myRole), 'L-11', `operation ${operation.number} is not for this role`);
      must((this.me === undefined) === (operation.number === op.recoveryFinished), 'L-11', 'a device that asks does nothing but take over');
      this[operation.number](operation);
    }
  }

  [op.operationsBlob](operation) {
    this.blobsOfEntry++;
    must(this.blobsOfEntry <= 64, 'L-5', 'too many blobs');
    this.all(openBlob(operation, this.blobs));
  }

  /** @param {Uint8Array} key */
  verify(key) {
    within('L-10', () => verify(key, 'underseal/v1/entry', this.entry.body, this.entry.signature));
  }

  /* What operations have in common */

  /** @param {Set<string>} set @param {Uint8Array} value @param {string} what */
  claim(set, value, what) {
    must(!set.has(hex(value)), 'L-14', `${what} is not new`);
    set.add(hex(value));
  }

  /** @param {Uint8Array} commitment or name of a public key */
  claimKey(commitment) {
    this.claim(this.state.keyIds, commitment.subarray(0, 8), 'a key id');
  }

  /** @param {Uint8Array} key */
  claimPublic(key) {
    this.claimKey(publicKeyName(key));
  }

  /** @param {Uint8Array} text */
  claimText(text) {
    this.claim(this.state.texts, text, 'a text');
  }

  /** @param {ReturnType<typeof parseRecord>} record */
  claimDevice(record) {
    this.claimText(record.label);
    for (const key of [record.encryption, record.signing, record.signIn]) this.claimPublic(key);
  }

  /**
   * Checks and claims the public key of a folder; other resources have none.
   * @param {number} kind
   * @param {Uint8Array | undefined} key
   */
  claimResourcePublic(kind, key) {
    if (kind !== of.folder) return must(key === undefined, 'L-5', 'a public key that is not of a folder');
    within('L-19', () => checkSealingKey(key ?? new Uint8Array(0)));
    this.claimPublic(key);
  }

  /**
   * @param {ReturnType<typeof parseCard>} card
   * @param {number} memberRole
   * @param {number | bigint} [expires]
   */
  addMember(card, memberRole, expires) {
    const { state } = this;
    const id = hex(card.member);
    must(!state.members.has(id), 'L-14', 'the member is not new');
    must(!state.devices.has(hex(card.device.id)), 'L-14', 'the device is not new');
    this.claimKey(card.commitment);
    this.claimPublic(card.userKey);
    this.claimText(card.name);
    this.claimText(card.email);
    this.claimDevice(card.device);
    const userKey = { public: card.userKey, commitment: card.commitment, entry: state.length };
    state.members.set(id, {
      id: card.member,
      role: memberRole,
      expires,
      name: card.name,
      email: card.email,
      userKeys: [userKey],
      closed: false,
      devices: [],
      removed: false,
      enrolments: [],
    });
    this.addDevice(id, card.device);
  }

  /** @param {string} member @param {ReturnType<typeof parseRecord>} record @param {string} [addedBy] */
  addDevice(member, record, addedBy) {
    const id = hex(record.id);
    const atKey = this.state.members.get(member).userKeys.length;
    this.state.devices.set(id, { id: record.id, member, record, addedBy, atKey, removed: false });
    this.state.members.get(member).devices.push(id);
  }

  /** @param {Uint8Array} id */
  resource(id) {
    const resource = this.state.resources.get(hex(id));
    must(resource !== undefined, 'L-15', 'an unknown resource');
    return resource;
  }

  /** My rights on a resource. @param {Resource} resource */
  mine(resource) {
    return rightsOf(this.state, this.me, resource);
  }

  /** @param {Resource} resource */
  owes(resource) {
    return this.owed.has(hex(resource.id));
  }

  /** @param {Resource} resource */
  notEnded(resource) {
    must(!resource.ended, 'L-18', 'the resource has ended');
  }

  /** @param {Resource} resource */
  owe(resource) {
    if (resource.ended) return;
    this.owed.set(hex(resource.id), resource.epochs.length);
  }

  /* The operations, by their numbers */

  [op.memberAdded]({ card, role: memberRole, expires, invite }) {
    this.checkRole(memberRole, expires);
    const may = memberRole === role.guest && this.myRole <= this.state.policy.guests;
    must(this.myRole === role.officer || may, 'L-11', 'only officers add members');
    if (invite !== undefined) this.claim(this.state.invites, invite, 'the invitation');
    this.addMember(within('L-12', () => parseCard(card)), memberRole, expires);
  }

  [op.deviceAdded]({ member, device, acceptance }) {
    must(hex(member) === this.me, 'L-11', "somebody else's device");
    const record = within('L-5', () => {
      checkAcceptance(this.state.organization, member, device, acceptance);
      return parseRecord(device);
    });
    this.newDevice(record);
    this.addDevice(this.me, record, this.author);
    this.claimDevice(record);
  }

  [op.deviceRemoved]({ device: id }) {
    const { members, devices } = this.state;
    const device = devices.get(hex(id));
    must(device !== undefined && !device.removed, 'L-15', 'no such device');
    const own = device.member === this.me;
    must(own || this.myRole === role.officer, 'L-11', "somebody else's device");
    must(hex(id) !== this.author, 'L-11', 'a device does not remove itself');
    device.removed = true;
    const member = members.get(device.member);
    must(member.devices.some((other) => !devices.get(other).removed), 'L-21', "the member's last device");
    if (own) this.owesUserKey = true;
    else member.closed = true;
    this.oweReach(device.member);
  }

  [op.userKeyRotated]({ member: id, generation, public: key, commitment, previous }) {
    must(hex(id) === this.me, 'L-11', "somebody else's user key");
    const member = this.state.members.get(this.me);
    must(generation === member.userKeys.length + 1, 'L-16', `generation ${generation}`);
    must(member.userKeys.at(-1).entry !== this.state.length, 'L-16', 'a second generation in the entry');
    this.claimKey(commitment);
    within('L-19', () => checkSealingKey(key));
    this.claimPublic(key);
    member.userKeys.push({ public: key, commitment, previous, author: this.author, entry: this.state.length });
    member.closed = false;
    this.owesUserKey = false;
    this.endEnrolment(member);
  }
}

Object.assign(Step.prototype, resourceSteps, groupSteps, memberSteps, recoverySteps);
