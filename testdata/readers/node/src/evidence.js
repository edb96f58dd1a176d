/** evidence.md: what shows a fork to somebody who has neither a device nor the store. */
import { sha256 } from '@noble/hashes/sha2.js';
import { equal, hex, utf8 } from './bytes.js';
import { bstr, checkVersion, parse, tuple, uint } from './cbor.js';
import { op, parseEntry, parseOperation } from './entry.js';
import { apply, replay } from './log.js';
import { must, within } from './refusal.js';
import { readStatement } from './seen.js';
import { sum } from './suite.js';
import { role } from './words.js';

const firstLine = utf8('underseal evidence\n');
const kinds = { header: 1, blob: 2, entry: 3, statement: 4, end: 5 };
const longest = { 1: 256, 2: 16777216, 3: 1048576, 4: 256, 5: 256 };
const maxEntries = 1048576;
const maxStatements = 8192;
const maxBlobs = 268435456;
const maxSmall = 256;

/**
 * @typedef {object} Evidence
 * @property {import('./log.js').State} state
 * @property {{hash: Uint8Array, author: string}[]} entries
 * @property {{device: string, length: number | bigint, is: 'same' | 'fork' | 'ahead'}[]} statements
 */

/**
 * The frames of a file, up to the last one, which nothing follows (V-1).
 * @param {Uint8Array} bytes
 */
function* frames(bytes) {
  must(equal(bytes.subarray(0, firstLine.length), firstLine), 'V-1', 'another first line');
  let at = firstLine.length;
  for (let kind = 0; kind !== kinds.end; ) {
    must(bytes.length - at >= 5, 'V-1', 'cut short');
    kind = bytes[at];
    const length = new DataView(bytes.buffer, bytes.byteOffset + at + 1, 4).getUint32(0);
    must(longest[kind] !== undefined, 'V-1', `a frame of kind ${kind}`);
    must(length > 0 && length <= longest[kind], 'V-1', `a frame of ${length} bytes`);
    at += 5;
    must(length <= bytes.length - at, 'V-1', 'cut short');
    yield { kind, content: bytes.slice(at, at + length) };
    at += length;
  }
  must(at === bytes.length, 'V-1', 'something follows the last frame');
}

/** The blobs that an entry names; one that says nothing sensible names none, and is refused by its replay. */
function named(content) {
  const names = new Set();
  try {
    for (const operation of parseEntry(content).operations) {
      if (operation[0] === op.operationsBlob) names.add(hex(parseOperation(operation).hash));
    }
  } catch (error) {
    if (error.name !== 'Refusal') throw error;
  }
  return names;
}

/**
 * Reads a file (V-1 to V-5).
 * @param {Uint8Array} bytes
 * @returns {Evidence}
 */
export function readEvidence(bytes) {
  let organization;
  let state;
  let blobs = new Map();
  let blobBytes = 0;
  const entries = [];
  const statements = [];
  for (const { kind, content } of frames(bytes)) {
    must((kind === kinds.header) === (organization === undefined), 'V-1', 'an organization that is missing or out of its place');
    if (kind !== kinds.blob && kind !== kinds.entry) must(blobs.size === 0, 'V-3', 'no entry follows a blob');
    switch (kind) {
      case kinds.header:
        within('V-1', () => {
          checkVersion(content, 2);
          [, organization] = parse(content, maxSmall, tuple(uint(), bstr(32)));
        });
        break;
      case kinds.blob: {
        must(statements.length === 0, 'V-1', 'a blob after a statement');
        const name = hex(sha256(content));
        must(!blobs.has(name), 'V-3', 'a blob twice');
        blobBytes += content.length;
        must(blobBytes <= maxBlobs, 'V-3', 'blobs that are too long');
        blobs.set(name, content);
        break;
      }
      case kinds.entry: {
        must(statements.length === 0, 'V-1', 'an entry after a statement');
        must(entries.length < maxEntries, 'V-1', 'too many entries');
        const names = named(content);
        for (const name of blobs.keys()) must(names.has(name), 'V-3', 'a blob that the entry does not name');
        const given = blobs;
        const get = (name) => given.get(name);
        state = within('V-2', () => (state === undefined ? replay(organization, [content], get) : apply(state, content, get)));
        entries.push({ hash: sum('underseal/v1/entry-hash', content), author: hex(parseEntry(content).author) });
        blobs = new Map();
        blobBytes = 0;
        break;
      }
      case kinds.statement:
        must(entries.length > 0, 'V-1', 'a statement before the entries');
        must(statements.length < maxStatements, 'V-1', 'too many statements');
        statements.push(sighted(content, state, entries));
        break;
      default: {
        const [ofEntries, ofStatements] = within('V-1', () => parse(content, maxSmall, tuple(uint(), uint())));
        must(entries.length > 0, 'V-2', 'no entries');
        must(ofEntries === entries.length && ofStatements === statements.length, 'V-5', 'frames are missing');
      }
    }
  }
  return { state, entries, statements };
}

/** A statement, and what the log beside it says of it (V-4). */
function sighted(content, state, entries) {
  const keyOf = (id) => {
    const device = state.devices.get(hex(id));
    return device === undefined || device.removed ? undefined : device.record.signing;
  };
  const { device, length, hash } = within('V-4', () => readStatement(content, state.organization, undefined, keyOf));
  const is = length > entries.length ? 'ahead' : equal(entries[length - 1].hash, hash) ? 'same' : 'fork';
  return { device: hex(device), length, is };
}

/**
 * What two files show together.
 * @param {Evidence} one
 * @param {Evidence} other
 */
export function compareEvidence(one, other) {
  if (!equal(one.state.organization, other.state.organization)) return { verdict: 'two organizations' };
  const least = Math.min(one.entries.length, other.entries.length);
  let shared = 0;
  while (shared < least && equal(one.entries[shared].hash, other.entries[shared].hash)) shared++;
  if (shared === least) return { verdict: 'one history', shared };
  const proof = seenToGoOn(one, other, shared) && seenToGoOn(other, one, shared);
  return { verdict: proof ? 'proof' : 'part', shared };
}

/** Whether somebody who is believed has signed to have seen a log go on after a position. */
function seenToGoOn({ state, entries, statements }, other, position) {
  const memberOf = (device) => state.devices.get(device).member;
  const officerIn = ({ members }, id) => members.has(id) && !members.get(id).removed && members.get(id).role === role.officer;
  const author = memberOf(entries[position].author);
  const believed = (device) => {
    const id = memberOf(device);
    return id !== author || (officerIn(state, id) && officerIn(other.state, id));
  };
  return (
    entries.slice(position + 1).some((entry) => believed(entry.author)) ||
    statements.some(({ device, length, is }) => is === 'same' && length > position && believed(device))
  );
}
