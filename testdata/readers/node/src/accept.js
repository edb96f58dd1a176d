/** log.md, "Accepting envelopes": what a member's device may take from whom. */
import { equal, hex } from './bytes.js';
import { must } from './refusal.js';
import { kinds, publicKeyName } from './suite.js';
import { maySend, right } from './words.js';

const zero = new Uint8Array(32);
const recipients = { member: 1, group: 2, device: 3 };

/**
 * What an envelope with a resource's key to a member must say (L-23 to L-27).
 * @param {import('./log.js').State} state
 * @param {{resource: Uint8Array, epoch: number, member: Uint8Array, recipientKey: Uint8Array, sender: Uint8Array}} claim
 */
export function wantResourceKey(state, claim) {
  const resource = state.resources.get(hex(claim.resource));
  const member = state.members.get(hex(claim.member));
  must(resource !== undefined && member !== undefined, 'L-23', 'unknown resource or member');
  const epoch = resource.epochs[claim.epoch - 1];
  must(epoch !== undefined, 'L-24', 'unknown epoch');
  const grant = resource.grants.get(hex(claim.member));
  must(grant !== undefined && grant.rights & right.read, 'L-25', 'not granted');
  const key = member.userKeys.find((g) => equal(publicKeyName(g.public), claim.recipientKey));
  must(key !== undefined, 'L-26', "not a key of the member's");
  const device = hex(claim.sender);
  must(maySend(grant, epoch, device, claim.epoch), 'L-27', 'not from who was to send it');
  return {
    want: {
      organization: state.organization,
      kind: resource.kind,
      resource: resource.id,
      epoch: claim.epoch,
      commitment: epoch.commitment,
      recipient: { kind: recipients.member, id: member.id, key: claim.recipientKey },
      sender: claim.sender,
    },
    publicKey: epoch.public,
    senderKey: state.devices.get(device).record.signing,
  };
}

/**
 * What an envelope with a group's seed to a member must say (L-31 to L-35).
 * @param {import('./log.js').State} state
 * @param {{group: Uint8Array, epoch: number, member: Uint8Array, recipientKey: Uint8Array, sender: Uint8Array}} claim
 */
export function wantGroupSeed(state, claim) {
  const group = state.groups.get(hex(claim.group));
  const member = state.members.get(hex(claim.member));
  must(group !== undefined && member !== undefined, 'L-31', 'unknown group or member');
  const epoch = group.epochs[claim.epoch - 1];
  must(epoch !== undefined, 'L-32', 'unknown epoch');
  const place = group.members.get(hex(claim.member));
  must(place !== undefined, 'L-33', 'not in the group');
  const key = member.userKeys.find((g) => equal(publicKeyName(g.public), claim.recipientKey));
  must(key !== undefined, 'L-34', "not a key of the member's");
  const device = hex(claim.sender);
  must(maySend(place, epoch, device, claim.epoch), 'L-35', 'not from who was to send it');
  return {
    want: {
      organization: state.organization,
      kind: kinds.group,
      resource: group.id,
      epoch: claim.epoch,
      commitment: epoch.commitment,
      recipient: { kind: recipients.member, id: member.id, key: claim.recipientKey },
      sender: claim.sender,
    },
    publicKey: epoch.public,
    senderKey: state.devices.get(device).record.signing,
  };
}

/**
 * What an envelope with a resource's key to a group must say, for who opens it (L-36 to L-40).
 * @param {import('./log.js').State} state
 * @param {{resource: Uint8Array, epoch: number, group: Uint8Array, member: Uint8Array, recipientKey: Uint8Array, sender: Uint8Array}} claim
 */
export function wantGroupKey(state, claim) {
  const resource = state.resources.get(hex(claim.resource));
  const group = state.groups.get(hex(claim.group));
  must(resource !== undefined && group !== undefined, 'L-36', 'unknown resource or group');
  const epoch = resource.epochs[claim.epoch - 1];
  must(epoch !== undefined, 'L-37', 'unknown epoch');
  const grant = resource.grants.get(hex(claim.group));
  must(grant !== undefined && group.members.has(hex(claim.member)), 'L-38', 'not granted');
  const key = group.epochs.find((e) => equal(publicKeyName(e.public), claim.recipientKey));
  must(key !== undefined, 'L-39', "not a key of the group's");
  const device = hex(claim.sender);
  must(maySend(grant, epoch, device, claim.epoch), 'L-40', 'not from who was to send it');
  return {
    want: {
      organization: state.organization,
      kind: resource.kind,
      resource: resource.id,
      epoch: claim.epoch,
      commitment: epoch.commitment,
      recipient: { kind: recipients.group, id: group.id, key: claim.recipientKey },
      sender: claim.sender,
    },
    publicKey: epoch.public,
    senderKey: state.devices.get(device).record.signing,
  };
}

/**
 * What an envelope with a user key to a device must say (L-28 to L-30).
 * @param {import('./log.js').State} state
 * @param {{member: Uint8Array, generation: number, device: Uint8Array, sender: Uint8Array}} claim
 */
export function wantUserKey(state, claim) {
  const device = state.devices.get(hex(claim.device));
  const member = state.members.get(hex(claim.member));
  const own = member !== undefined && device?.member === hex(claim.member);
  must(own && !device.removed, 'L-28', "unknown member, or not a device of the member's");
  const generation = member.userKeys[claim.generation - 1];
  must(generation !== undefined, 'L-29', 'unknown generation');
  const from = hex(claim.sender);
  // Generation 1 has no author in the log: the card's device made it.
  const author = generation.author ?? member.devices[0];
  const adder = member.devices.includes(device.addedBy) && device.atKey === claim.generation ? device.addedBy : undefined;
  must(from === author || from === adder, 'L-30', 'not from who was to send it');
  const older = claim.generation === 1;
  return {
    want: {
      organization: older ? zero : state.organization,
      kind: kinds.user,
      resource: older ? zero : member.id,
      epoch: claim.generation,
      commitment: generation.commitment,
      recipient: { kind: recipients.device, id: device.id, key: publicKeyName(device.record.encryption) },
      sender: claim.sender,
    },
    publicKey: generation.public,
    senderKey: state.devices.get(from).record.signing,
  };
}
