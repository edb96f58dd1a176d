/** log.md, "Layout" and "Operations": what an entry of the log says. */
import { anyMap, any, bstr, checkVersion, encode, list, parse, struct, tstr, tuple, uint } from './cbor.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { equal, hex, utf8 } from './bytes.js';
import { Refusal, must, within } from './refusal.js';

const maxEntry = 1048576;
const maxOperations = 8192;
const maxBlob = 16777216;
const maxBinding = 1024;
const maxTime = 253402300799;

export const op = {
  genesis: 1,
  memberAdded: 2,
  deviceAdded: 3,
  deviceRemoved: 4,
  userKeyRotated: 5,
  keyCreated: 6,
  keyRotated: 7,
  keyClosed: 8,
  grant: 9,
  revoke: 10,
  directory: 11,
  keyResealed: 12,
  groupCreated: 13,
  groupMemberAdded: 14,
  groupMemberRemoved: 15,
  groupRotated: 16,
  memberRemoved: 17,
  roleChanged: 18,
  policy: 19,
  recoveryEnrolled: 22,
  recoveryEnded: 23,
  operationsBlob: 25,
  recoveryRequested: 26,
  recoveryApproved: 27,
  recoveryFinished: 28,
  groupClosed: 29,
  groupResealed: 30,
  invitationWithdrawn: 31,
  resourceEnded: 32,
};

const hash = bstr(32);
const id16 = bstr(16);
const sealedKey = bstr(72);
// The size is a matter of L-19.
const xwing = bstr();

/** A principal is a member or, by a shorter id, a group. @param {unknown} item */
function principal(item) {
  const [kind, id] = tuple(uint(), bstr())(item);
  must(kind === 1 || kind === 2, 'L-5', `a principal of kind ${kind}`);
  return bstr(kind === 1 ? 32 : 16)(id);
}

/** @param {unknown} item */
function groupMembers(item) {
  const all = list(tuple(hash, uint()))(item);
  must(all.length > 0, 'L-5', 'a group of nobody');
  all.forEach(([id], i) => must(i === 0 || hex(all[i - 1][0]) < hex(id), 'L-5', 'members out of order'));
  return all.map(([member, rights]) => ({ member, rights }));
}

/** @param {unknown} item */
function binding(item) {
  const [connector, account, kind, id] = tuple(tstr, tstr, tstr, tstr)(item);
  must(connector !== '', 'L-5', 'a binding without connector');
  for (const text of [connector, account, kind, id]) {
    must(utf8(text).length <= maxBinding, 'L-5', 'a part of a binding is too long');
  }
  return { connector, account, kind, id, encoded: encode([connector, account, kind, id]) };
}

/** @param {unknown} item */
function items(item) {
  const all = list(tuple(hash, bstr()))(item);
  must(all.length > 0, 'L-5', 'no items');
  for (const [, sealed] of all) must(sealed.length >= 1 && sealed.length <= 2048, 'L-5', 'an opening of a wrong size');
  return all.map(([text, sealed]) => ({ text, sealed }));
}

/** @param {unknown} item */
const shares = (item) =>
  list(tuple(hash, uint(), hash))(item).map(([officer, index, commitment], i) => {
    must(index === i + 1, 'L-5', `index ${index}`);
    return { officer, commitment };
  });

/** @param {unknown} item */
const cosigned = (item) => list(tuple(hash, bstr()))(item).map(([device, signature]) => ({ device, signature }));

export const policyLayout = struct({
  1: ['fields', uint()],
  2: ['folders', uint()],
  3: ['groups', uint()],
  4: ['guests', uint()],
  5: ['officers', uint()],
  6: ['recovery', uint()],
  7: ['names', uint()],
  8: ['cosigned', cosigned, 'optional'],
});

const operations = {
  [op.genesis]: struct({ 1: ['nonce', bstr(16)], 2: ['card', bstr()], 3: ['name', hash] }),
  [op.memberAdded]: struct({
    1: ['card', bstr()],
    2: ['role', uint()],
    3: ['expires', uint(maxTime), 'optional'],
    4: ['invite', bstr(32), 'optional'],
  }),
  [op.deviceAdded]: struct({ 1: ['member', hash], 2: ['device', bstr()], 3: ['acceptance', bstr()] }),
  [op.deviceRemoved]: struct({ 1: ['device', hash] }),
  [op.userKeyRotated]: struct({
    1: ['member', hash],
    2: ['generation', uint()],
    3: ['public', xwing],
    4: ['commitment', hash],
    5: ['previous', sealedKey],
  }),
  [op.keyCreated]: struct({
    1: ['resource', id16],
    2: ['of', uint()],
    3: ['binding', binding],
    4: ['commitment', hash],
    5: ['label', hash],
    6: ['public', xwing, 'optional'],
  }),
  [op.keyRotated]: struct({
    1: ['resource', id16],
    2: ['epoch', uint()],
    3: ['commitment', hash],
    4: ['previous', sealedKey],
    5: ['public', xwing, 'optional'],
    6: ['from', uint(), 'optional'],
  }),
  [op.keyClosed]: struct({ 1: ['resource', id16], 2: ['epoch', uint()] }),
  [op.grant]: struct({ 1: ['resource', id16], 2: ['principal', principal], 3: ['rights', uint()] }),
  [op.revoke]: struct({ 1: ['resource', id16], 2: ['principal', principal] }),
  [op.directory]: struct({ 1: ['resource', id16], 2: ['epoch', uint()], 3: ['items', items] }),
  [op.keyResealed]: struct({ 1: ['resource', id16], 2: ['epoch', uint()], 3: ['principal', principal] }),
  [op.groupCreated]: struct({
    1: ['group', id16],
    2: ['commitment', hash],
    3: ['public', xwing],
    4: ['label', hash],
    5: ['members', groupMembers],
  }),
  [op.groupMemberAdded]: struct({ 1: ['group', id16], 2: ['member', hash], 3: ['rights', uint()] }),
  [op.groupMemberRemoved]: struct({ 1: ['group', id16], 2: ['member', hash] }),
  [op.groupRotated]: struct({
    1: ['group', id16],
    2: ['epoch', uint()],
    3: ['commitment', hash],
    4: ['previous', sealedKey],
    5: ['public', xwing],
    6: ['from', uint(), 'optional'],
  }),
  [op.memberRemoved]: struct({ 1: ['member', hash] }),
  [op.roleChanged]: struct({ 1: ['member', hash], 2: ['role', uint()], 3: ['expires', uint(maxTime), 'optional'] }),
  [op.policy]: policyLayout,
  [op.invitationWithdrawn]: struct({ 1: ['invite', hash] }),
  [op.recoveryEnrolled]: struct({
    1: ['member', hash],
    2: ['enrolment', uint()],
    3: ['threshold', uint()],
    4: ['commitment', hash],
    5: ['generation', uint()],
    6: ['sealed', sealedKey],
    7: ['shares', shares],
  }),
  [op.recoveryEnded]: struct({ 1: ['member', hash], 2: ['enrolment', uint()] }),
  [op.recoveryRequested]: struct({
    1: ['member', hash],
    2: ['enrolment', uint()],
    3: ['device', bstr()],
    4: ['acceptance', bstr()],
    5: ['reason', hash],
  }),
  [op.recoveryApproved]: struct({ 1: ['member', hash], 2: ['device', hash], 3: ['enrolment', uint()], 4: ['index', uint()] }),
  [op.recoveryFinished]: struct({ 1: ['member', hash], 2: ['device', hash], 3: ['enrolment', uint()] }),
  [op.operationsBlob]: struct({ 1: ['hash', hash], 2: ['size', uint()], 3: ['count', uint()] }),
  [op.groupClosed]: struct({ 1: ['group', id16], 2: ['epoch', uint()] }),
  [op.groupResealed]: struct({ 1: ['group', id16], 2: ['epoch', uint()], 3: ['member', hash] }),
  [op.resourceEnded]: struct({ 1: ['resource', id16] }),
};

// The size of the signature is a matter of L-10.
const entryLayout = tuple(uint(), bstr(), bstr());
const bodyLayout = struct({
  1: ['organization', hash],
  2: ['sequence', uint()],
  3: ['previous', hash],
  4: ['time', uint()],
  5: ['author', hash],
  6: ['operations', list(tuple(uint(255), any))],
});

/**
 * Decodes an entry, but not what its operations say (L-1 to L-3).
 * @param {Uint8Array} bytes
 */
export function parseEntry(bytes) {
  const { body, signature, fields } = within((rule) => (rule === 'S-8' ? 'L-2' : 'L-1'), () => {
    must(bytes.length <= maxEntry, 'S-1', 'longer than an entry');
    checkVersion(bytes, 3);
    const [, body, signature] = parse(bytes, maxEntry, entryLayout);
    return { body, signature, fields: parse(body, maxEntry, bodyLayout) };
  });
  const count = fields.operations.length;
  must(count >= 1 && count <= maxOperations, 'L-3', `${count} operations`);
  must(fields.time <= maxTime, 'L-3', 'a time after the year 9999');
  return { ...fields, body, signature, operations: fields.operations };
}

/**
 * The operations of a blob, undecoded (L-5, L-20).
 * @param {{hash: Uint8Array, size: number, count: number}} operation that stands for it
 * @param {(name: string) => Uint8Array | undefined} blobs of a store
 */
export function openBlob({ hash: name, size, count }, blobs) {
  must(size >= 1 && size <= maxBlob, 'L-5', `a blob of ${size} bytes`);
  must(count >= 1 && count <= maxOperations, 'L-5', `a blob of ${count} operations`);
  const blob = blobs(hex(name));
  must(blob !== undefined && blob.length === size && equal(sha256(blob), name), 'L-20', 'the blob is not there');
  const all = within('L-5', () => parse(blob, maxBlob, list(tuple(uint(255), any))));
  must(all.length === count, 'L-20', `a blob of ${all.length} operations`);
  for (const [number] of all) must(number !== op.genesis && number !== op.operationsBlob, 'L-5', `operation ${number} in a blob`);
  return all;
}

/** Decodes an operation (L-4, L-5). @param {[number, unknown]} item */
export function parseOperation([number, fields]) {
  const layout = operations[number];
  if (layout === undefined) throw new Refusal('L-4', `operation ${number} is not known`);
  return { number, ...within('L-5', () => layout(anyMap(fields))) };
}
