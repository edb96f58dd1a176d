/** last-seen.md: what devices state to have seen, and heads for comparing. */
import { equal, utf8 } from './bytes.js';
import { hkdf } from '@noble/hashes/hkdf.js';
import { bstr, checkVersion, encode, parse, struct, tuple, uint } from './cbor.js';
import { readBech32 } from './card.js';
import { must, within } from './refusal.js';
import { checkSigningKey, sha256, sum, verify } from './suite.js';

const maxStatement = 256;
const maxTime = 253402300799;

const layout = struct({
  1: ['organization', bstr(32)],
  2: ['device', bstr(32)],
  3: ['length', uint()],
  4: ['hash', bstr(32)],
  5: ['time', uint(maxTime)],
});

/** The mailbox of a device. @param {Uint8Array} organization @param {Uint8Array} device */
export const seenBox = (organization, device) => sum('underseal/v1/last-seen-box', encode([organization, device]));

/**
 * Reads a statement from the mailbox of a device (H-1 to H-4).
 * @param {Uint8Array} bytes
 * @param {Uint8Array} organization
 * @param {Uint8Array | undefined} device whose mailbox it is, if it is from one
 * @param {(device: Uint8Array) => Uint8Array | undefined} keyOf the signing key, by the log
 */
export function readStatement(bytes, organization, device, keyOf) {
  const [body, signature, said] = within('H-1', () => {
    must(bytes.length <= maxStatement, 'S-1', 'longer than a statement');
    checkVersion(bytes, 3);
    const [, content, sig] = parse(bytes, maxStatement, tuple(uint(), bstr(), bstr()));
    return [content, sig, parse(content, maxStatement, layout)];
  });
  must(said.length > 0, 'H-1', 'of no entries');
  must(equal(said.organization, organization), 'H-2', 'of another organization');
  const key = keyOf(said.device);
  must(key !== undefined, 'H-3', 'of a device that is not in the log, or removed');
  within('H-4', () => {
    checkSigningKey(key);
    verify(key, 'underseal/v1/last-seen', body, signature);
  });
  must(device === undefined || equal(said.device, device), 'H-4', 'of another device');
  return said;
}

/** The number of a head, for reading out. */
export function headNumber(organization, length, hash) {
  const b = hkdf(sha256, encode([organization, length, hash]), new Uint8Array(0), utf8('underseal/v1/head-number'), 60);
  const groups = [];
  for (let i = 0; i < 60; i += 5) {
    const number = b.subarray(i, i + 5).reduce((n, byte) => n * 256 + byte, 0);
    groups.push(String(number % 100000).padStart(5, '0'));
  }
  return groups.join(' ');
}

/** Reads a head that was pasted (H-8). @param {string} text */
export function readHead(text) {
  const b = readBech32(text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, ''), 'underseal-head', 72, 'H-8');
  const length = b.subarray(32, 40).reduce((n, byte) => n * 256n + BigInt(byte), 0n);
  must(length > 0n, 'H-8', 'of no entries');
  return { organization: b.slice(0, 32), length: length <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(length) : length, hash: b.slice(40) };
}
