/** log-members.md: removal of members, roles, policy and invitations. */
import { hex } from './bytes.js';
import { encode } from './cbor.js';
import { op } from './entry.js';
import { must, within } from './refusal.js';
import { rightsOf } from './groups.js';
import { verify } from './suite.js';
import { of, right, role } from './words.js';

/** The policy before the first one is set. */
export const defaultPolicy = { fields: 1, folders: 2, groups: 1, guests: 1, officers: 1, recovery: 0, names: 0 };

export const numbers = ({ fields, folders, groups, guests, officers, recovery, names }) =>
  [fields, folders, groups, guests, officers, recovery, names];

/** Checks the numbers of a policy, and of its signatures, by a rule. */
export function checkPolicy({ fields, folders, groups, guests, officers, recovery, names }, cosigned, rule) {
  for (const highest of [fields, folders, groups, guests]) must(highest === 1 || highest === 2, rule, `for role ${highest}`);
  must(officers >= 1 && officers <= 255 && names <= 1, rule, 'a number that no policy has');
  must(recovery === 0 || (recovery >= 2 && recovery <= officers), rule, `threshold ${recovery}`);
  must(cosigned === undefined || (cosigned.length >= 1 && cosigned.length <= 255), rule, `${cosigned?.length} signatures`);
}

/**
 * Adds the officers who signed a policy for a place in the log to those who
 * have signed already, and refuses other signatures by a rule.
 */
export function policySigners(state, sequence, previous, policy, cosigned, rule, signers) {
  const map = new Map(numbers(policy).map((n, i) => [i + 1, n]));
  const payload = encode([state.organization, sequence, previous, map]);
  for (const { device, signature } of cosigned ?? []) {
    const signer = state.devices.get(hex(device));
    must(signer !== undefined && !signer.removed, rule, 'a signature by an unknown device');
    must(state.members.get(signer.member).role === role.officer, rule, "a signature that is not an officer's");
    must(!signers.has(signer.member), rule, 'a second signature');
    signers.add(signer.member);
    within(rule, () => verify(signer.record.signing, 'underseal/v1/policy', payload, signature));
  }
}

/** What the methods of a step on an entry need for members; mixed into them in log.js. */
export const memberSteps = {
  /** @param {Uint8Array} id */
  member(id) {
    const member = this.state.members.get(hex(id));
    must(member !== undefined && !member.removed, 'L-15', 'an unknown member');
    return member;
  },

  checkRole(memberRole, expires) {
    must(memberRole >= role.officer && memberRole <= role.guest, 'L-13', `role ${memberRole}`);
    must(expires === undefined || (memberRole === role.guest && expires !== 0), 'L-5', 'only guests expire');
  },

  officersAtTheEnd() {
    if (!this.countsOfficers) return;
    const officers = [...this.state.members.values()].filter((m) => m.role === role.officer && !m.removed);
    must(officers.length >= this.state.policy.officers, 'L-21', 'too few officers');
  },

  [op.memberRemoved]({ member: id }) {
    const { state } = this;
    const member = this.member(id);
    const key = hex(id);
    must(key !== this.me, 'L-11', 'oneself');
    this.oweReach(key);
    const gone = new Set([key]);
    for (const [group, { members }] of state.groups) {
      if (members.delete(key) && members.size === 0) gone.add(group);
    }
    for (const { grants } of state.resources.values()) for (const principal of gone) grants.delete(principal);
    for (const device of member.devices) state.devices.get(device).removed = true;
    member.removed = true;
    member.closed = true;
    this.endEnrolment(member);
    this.countsOfficers = true;
  },

  [op.roleChanged]({ member: id, role: next, expires }) {
    const { state } = this;
    const member = this.member(id);
    this.checkRole(next, expires);
    must(next !== member.role, 'L-5', 'the role that they have');
    if (next === role.guest) {
      for (const resource of state.resources.values()) {
        const rights = rightsOf(state, hex(id), resource);
        must(!(rights & right.share) && (rights === 0 || resource.kind !== of.directory), 'L-17', 'not for guests');
      }
      for (const { members } of state.groups.values()) {
        must(!(members.get(hex(id))?.rights & right.share), 'L-17', 'a guest does not manage a group');
      }
    }
    member.role = next;
    member.expires = expires;
    this.countsOfficers = true;
  },

  [op.policy]({ number, cosigned, ...policy }) {
    const { state, entry } = this;
    const { recovery } = policy;
    checkPolicy(policy, cosigned, 'L-5');
    const signers = new Set([this.me]);
    policySigners(state, entry.sequence, entry.previous, policy, cosigned, 'L-11', signers);
    must(recovery >= state.policy.recovery || signers.size >= state.policy.recovery, 'L-11', 'the threshold lowered');
    state.policy = policy;
    state.policySet = true;
    this.countsOfficers = true;
  },

  [op.invitationWithdrawn]({ invite }) {
    this.claim(this.state.invites, invite, 'the invitation');
  },
};
