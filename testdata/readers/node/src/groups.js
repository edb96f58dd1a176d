/** log-groups.md: what operations on groups do, and whose rights come from groups. */
import { hex } from './bytes.js';
import { op } from './entry.js';
import { must, within } from './refusal.js';
import { checkSealingKey } from './suite.js';
import { announce, of, right, role, sender } from './words.js';

/**
 * @typedef {object} Group
 * @property {Uint8Array} id
 * @property {Uint8Array} label
 * @property {{commitment: Uint8Array, public: Uint8Array, previous?: Uint8Array, author: string, closed: boolean, entry: number}[]} epochs
 * @property {Map<string, {rights: number, senders: Set<string>, helpers: Map<string, string>}>} members none once it has ended
 */

/** A member's rights on a resource, by their own grant and by groups. @param {import('./log.js').State} state */
export function rightsOf(state, member, resource) {
  let rights = resource.grants.get(member)?.rights ?? 0;
  for (const [id, group] of state.groups) {
    if (group.members.has(member)) rights |= resource.grants.get(id)?.rights ?? 0;
  }
  return rights;
}

/** @param {Group} group @param {string} member */
const manages = (group, member) => Boolean(group.members.get(member)?.rights & right.share);

/** @param {Group} group */
const orphaned = (group) => ![...group.members.values()].some(({ rights }) => rights & right.share);

/** What the methods of a step on an entry need for groups; mixed into them in log.js. */
export const groupSteps = {
  /** @param {Uint8Array} id */
  group(id) {
    const group = this.state.groups.get(hex(id));
    must(group !== undefined && group.members.size > 0, 'L-15', 'an unknown group');
    return group;
  },

  /** Who is granted something. @param {Uint8Array} principal a member, or a group by its shorter id */
  recipient(principal) {
    if (principal.length === 16) {
      const group = this.group(principal);
      const guest = [...group.members.keys()].some((id) => this.state.members.get(id).role === role.guest);
      return { officer: false, guest, closed: group.epochs.at(-1).closed };
    }
    const member = this.member(principal);
    return { officer: member.role === role.officer, guest: member.role === role.guest, closed: member.closed };
  },

  /** @param {Group} group */
  oweGroup(group) {
    this.owedGroups.set(hex(group.id), group.epochs.length);
  },

  /** Everything that a member reads. @param {string} member */
  oweReach(member) {
    for (const resource of this.state.resources.values()) {
      if (rightsOf(this.state, member, resource) !== 0) this.owe(resource);
    }
    for (const group of this.state.groups.values()) if (group.members.has(member)) this.oweGroup(group);
  },

  groupsAtTheEnd() {
    for (const [id, epoch] of this.owedGroups) {
      const { epochs, members } = this.state.groups.get(id);
      must(members.size === 0 || epochs.length !== epoch || epochs.at(-1).closed, 'L-20', 'a group is neither rotated nor closed');
    }
    for (const id of this.touchedGroups) {
      const group = this.state.groups.get(id);
      must(group.members.size === 0 || !orphaned(group), 'L-21', 'nobody is left to manage a group');
    }
  },

  /** What a member may be in a group. */
  placeInGroup(id, rights) {
    const member = this.member(id);
    must(rights === 1 || rights === 5, 'L-17', `rights ${rights} in a group`);
    must(member.role !== role.guest || rights === 1, 'L-17', 'a guest does not manage a group');
    return member;
  },

  [op.groupCreated]({ group: id, commitment, public: key, label, members }) {
    must(this.myRole <= this.state.policy.groups, 'L-11', 'the policy keeps groups for officers');
    this.newId(id);
    const group = { id, label, members: new Map(), epochs: [this.epoch(commitment, key)] };
    for (const { member, rights } of members) {
      must(!this.placeInGroup(member, rights).closed, 'L-18', 'to a closed user key');
      group.members.set(hex(member), { rights, senders: new Set(), helpers: new Map() });
    }
    must(manages(group, this.me), 'L-11', 'a group that its author does not manage');
    this.claimKey(commitment);
    within('L-19', () => checkSealingKey(key));
    this.claimPublic(key);
    this.claimText(label);
    this.state.groups.set(hex(id), group);
  },

  [op.groupMemberAdded]({ group: id, member, rights }) {
    const group = this.group(id);
    const held = group.members.get(hex(member));
    const officer = this.myRole === role.officer;
    const restored = officer && orphaned(group) && held !== undefined && rights === 5;
    must(restored || manages(group, this.me), 'L-11', 'does not manage the group');
    const to = this.placeInGroup(member, rights);
    const kept = ((held?.rights ?? 0) & rights) === (held?.rights ?? 0);
    must(to.role !== role.officer || officer || kept, 'L-11', 'less than an officer has');
    const forMembers = [...this.state.resources.values()].some(({ kind, grants }) => {
      const granted = grants.get(hex(id))?.rights ?? 0;
      return granted & right.share || (granted !== 0 && kind === of.directory);
    });
    must(to.role !== role.guest || !forMembers, 'L-17', 'not for guests');
    must(!to.closed, 'L-18', 'to a closed user key');
    must(restored || !group.epochs.at(-1).closed, 'L-18', 'of a closed epoch');
    const { senders, helpers } = held ?? { senders: new Set(), helpers: new Map() };
    if (!restored) senders.add(sender(this.author, group.epochs.length));
    group.members.set(hex(member), { rights, senders, helpers });
    this.touchedGroups.add(hex(id));
  },

  [op.groupMemberRemoved]({ group: id, member }) {
    const group = this.group(id);
    const officer = this.myRole === role.officer;
    must(officer || manages(group, this.me), 'L-11', 'does not manage the group');
    must(hex(member) !== this.me, 'L-11', 'oneself');
    must(officer || this.state.members.get(hex(member))?.role !== role.officer, 'L-11', 'an officer');
    must(group.members.has(hex(member)), 'L-15', 'not in the group');
    must(group.members.size > 1, 'L-21', 'the last one in the group');
    group.members.delete(hex(member));
    this.oweGroup(group);
    for (const resource of this.state.resources.values()) if (resource.grants.has(hex(id))) this.owe(resource);
  },

  [op.groupRotated]({ group: id, epoch, commitment, previous, public: key, from }) {
    const group = this.group(id);
    const owed = this.myRole === role.officer && group.members.has(this.me) && this.owedGroups.has(hex(id));
    must(manages(group, this.me) || owed, 'L-11', 'does not manage the group');
    this.nextEpoch(group, epoch, from);
    this.claimKey(commitment);
    within('L-19', () => checkSealingKey(key));
    this.claimPublic(key);
    group.epochs.at(-1).closed = true;
    group.epochs.push(this.epoch(commitment, key, previous));
  },

  [op.groupClosed]({ group: id, epoch }) {
    const group = this.group(id);
    const may = this.myRole === role.officer || manages(group, this.me) || this.owedGroups.has(hex(id));
    must(may, 'L-11', 'does not manage the group');
    this.openEpoch(group, epoch, true).closed = true;
  },

  [op.groupResealed]({ group: id, epoch, member }) {
    const group = this.group(id);
    must(group.members.has(this.me), 'L-11', 'not in the group');
    must(epoch >= 1 && epoch <= group.epochs.length, 'L-16', `epoch ${epoch}`);
    must(group.members.has(hex(member)), 'L-15', 'not in the group');
    must(!this.state.members.get(hex(member)).closed, 'L-18', 'to a closed user key');
    announce(group.members.get(hex(member)), { shares: manages(group, this.me), member: this.me, device: this.author, epoch });
  },
};
