/** log.md: what operations on resources, their keys and their grants do. */
import { equal, hex } from './bytes.js';
import { op } from './entry.js';
import { must } from './refusal.js';
import { announce, of, right, role, sender } from './words.js';

/** What the methods of a step on an entry do with resources; mixed into them in log.js. */
export const resourceSteps = {
  [op.keyCreated]({ resource: id, of: kind, binding, commitment, label, public: key }) {
    const { state } = this;
    const highest = { [of.field]: state.policy.fields, [of.folder]: state.policy.folders, [of.directory]: role.officer }[kind];
    must(highest === undefined || this.myRole <= highest, 'L-11', 'the policy keeps it for officers');
    must(kind !== of.directory || state.directory === undefined, 'L-14', 'the directory is there');
    must(kind >= of.field && kind <= of.directory, 'L-5', `a resource of kind ${kind}`);
    must(binding.connector !== 'underseal' || this.myRole === role.officer, 'L-11', 'officers make what programs of the organization act upon');
    this.newId(id);
    if (binding.id !== '') this.claim(state.bindings, binding.encoded, 'the binding');
    this.claimKey(commitment);
    this.claimResourcePublic(kind, key);
    this.claimText(label);
    state.resources.set(hex(id), {
      id,
      kind,
      binding,
      label,
      ended: false,
      epochs: [this.epoch(commitment, key)],
      grants: new Map([[this.me, { rights: 7, senders: new Set(), helpers: new Map() }]]),
    });
    if (kind === of.directory) state.directory = hex(id);
  },

  [op.keyRotated]({ resource: id, epoch, commitment, previous, public: key, from }) {
    const resource = this.resource(id);
    const mine = this.mine(resource);
    const cleansUp = this.myRole === role.officer && mine & right.read && this.owes(resource);
    must(mine & right.share || cleansUp, 'L-11', 'no share');
    this.notEnded(resource);
    this.nextEpoch(resource, epoch, from);
    this.claimKey(commitment);
    this.claimResourcePublic(resource.kind, key);
    resource.epochs.at(-1).closed = true;
    resource.epochs.push(this.epoch(commitment, key, previous));
  },

  [op.keyClosed]({ resource: id, epoch }) {
    const resource = this.resource(id);
    const may = this.myRole === role.officer || this.mine(resource) & right.share || this.owes(resource);
    must(may, 'L-11', 'no share');
    this.openEpoch(resource, epoch, true).closed = true;
  },

  /** The present epoch, which the operation must name and which must be open. */
  openEpoch({ epochs }, epoch, older = false) {
    const present = epochs.at(-1);
    must(epoch === epochs.length && !present.closed, 'L-16', `epoch ${epoch}`);
    must(!older || present.entry !== this.state.length, 'L-16', 'an epoch of this entry');
    return present;
  },

  /** The operation must name the epoch that comes next, once in an entry. */
  nextEpoch({ epochs }, epoch, from) {
    must(from !== 0, 'L-5', 'from epoch 0');
    must(from === undefined || from < epochs.length, 'L-16', `from epoch ${from}`);
    must(epoch === epochs.length + 1, 'L-16', `epoch ${epoch}`);
    must(epochs.at(-1).entry !== this.state.length, 'L-16', 'a second epoch in the entry');
  },

  /** An epoch that this entry opens. */
  epoch(commitment, key, previous) {
    return { commitment, public: key, previous, author: this.author, closed: false, entry: this.state.length };
  },

  /** @param {Uint8Array} id */
  newId(id) {
    must(!this.state.resources.has(hex(id)), 'L-14', 'the id of a resource');
    must(!this.state.groups.has(hex(id)), 'L-14', 'the id of a group');
  },

  [op.grant]({ resource: id, principal, rights }) {
    const resource = this.resource(id);
    const to = this.recipient(principal);
    const mine = this.mine(resource);
    const held = resource.grants.get(hex(principal))?.rights ?? 0;
    const orphaned = ![...resource.grants.values()].some((grant) => grant.rights & right.share);
    const officer = this.myRole === role.officer;
    const restored = officer && orphaned && held !== 0 && rights === (held | right.share);
    must(restored || mine & right.share, 'L-11', 'no share');
    must(restored || ([1, 3, 5, 7].includes(rights) && (mine & rights) === rights), 'L-17', `rights ${rights}`);
    must(officer || !to.officer || (held & rights) === held, 'L-11', 'less than an officer has');
    const tooMuch = rights & right.share || resource.kind === of.directory;
    must(!to.guest || !tooMuch, 'L-17', 'not for guests');
    this.notEnded(resource);
    must(!to.closed, 'L-18', 'to a closed key');
    must(restored || !resource.epochs.at(-1).closed, 'L-18', 'of a closed epoch');
    const { senders, helpers } = resource.grants.get(hex(principal)) ?? { senders: new Set(), helpers: new Map() };
    if (!restored) senders.add(sender(this.author, resource.epochs.length));
    resource.grants.set(hex(principal), { rights, senders, helpers });
    this.touched.add(hex(id));
  },

  [op.revoke]({ resource: id, principal }) {
    const resource = this.resource(id);
    const from = this.recipient(principal);
    const mine = this.mine(resource);
    must(this.myRole === role.officer || mine & right.share, 'L-11', 'no share');
    must(hex(principal) !== this.me, 'L-11', "one's own grant");
    must(this.myRole === role.officer || !from.officer, 'L-11', "an officer's grant");
    must(resource.grants.delete(hex(principal)), 'L-15', 'no such grant');
    must(this.mine(resource) === mine, 'L-11', "a grant of one's own group");
    this.owe(resource);
  },

  [op.directory]({ resource: id, epoch, items }) {
    const { state } = this;
    const resource = this.resource(id);
    const mine = this.mine(resource);
    must(mine & right.read, 'L-11', 'no read');
    this.openEpoch(resource, epoch);
    for (const { text, sealed } of items) {
      must(state.texts.has(hex(text)), 'L-15', 'an unknown text');
      must(state.directory === hex(id) || equal(resource.label, text), 'L-15', 'a text that is not of this resource');
      const place = `${hex(text)} ${hex(id)}`;
      must(!state.openings.has(place) || mine & right.share, 'L-11', 'no share to replace an opening');
      state.openings.set(place, { epoch, sealed });
    }
  },

  [op.keyResealed]({ resource: id, epoch, principal }) {
    const resource = this.resource(id);
    const to = this.recipient(principal);
    const mine = this.mine(resource);
    must(mine & right.read, 'L-11', 'no read');
    must(epoch >= 1 && epoch <= resource.epochs.length, 'L-16', `epoch ${epoch}`);
    const grant = resource.grants.get(hex(principal));
    must(grant !== undefined, 'L-15', 'no such grant');
    this.notEnded(resource);
    must(!to.closed, 'L-18', 'to a closed key');
    announce(grant, { shares: (mine & right.share) !== 0, member: this.me, device: this.author, epoch });
  },

  [op.resourceEnded]({ resource: id }) {
    const resource = this.resource(id);
    must(resource.kind !== of.directory, 'L-15', 'the directory has no end');
    must(this.myRole === role.officer || this.mine(resource) & right.share, 'L-11', 'no share');
    this.notEnded(resource);
    resource.ended = true;
    resource.epochs.at(-1).closed = true;
    this.state.bindings.delete(hex(resource.binding.encoded));
  },
};
