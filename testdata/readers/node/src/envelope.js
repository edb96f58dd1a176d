/** envelope.md: a key sealed to one recipient. */
import { concat, equal } from './bytes.js';
import { bstr, checkVersion, encode, parse, tstr, tuple, uint } from './cbor.js';
import { Refusal, must, within } from './refusal.js';
import { DataKey, checkEncapsulation, checkSigningKey, encapsulationSize, hpkeOpen, publicKeyName, sealingKeyPair, sha256, verify } from './suite.js';

const maxEnvelope = 4096;
const label = 'underseal/v1/envelope';

// The sizes of enc, ct and signature are a matter of E-3.
const envelopeLayout = tuple(uint(), bstr(), bstr(), bstr(), bstr());
const recipientLayout = tuple(uint(), bstr(), bstr(32));
const infoLayout = tuple(tstr, bstr(32), uint(), bstr(), uint(), bstr(32), recipientLayout, bstr(32));

/**
 * @typedef {object} Info what an envelope claims, and what the log says it should
 * @property {Uint8Array} organization
 * @property {number} kind
 * @property {Uint8Array} resource
 * @property {number} epoch
 * @property {Uint8Array} commitment
 * @property {{kind: number, id: Uint8Array, key: Uint8Array}} recipient
 * @property {Uint8Array} sender
 */

/** @param {Info} info */
const encodeInfo = ({ organization, kind, resource, epoch, commitment, recipient, sender }) =>
  encode([label, organization, kind, resource, epoch, commitment, [recipient.kind, recipient.id, recipient.key], sender]);

/**
 * Parses an envelope (E-1 to E-4).
 * @param {Uint8Array} bytes
 */
export function parseEnvelope(bytes) {
  const [, info, enc, ct, signature] = within((rule) => (rule === 'S-8' ? 'E-2' : 'E-1'), () => {
    must(bytes.length <= maxEnvelope, 'S-1', 'longer than an envelope');
    checkVersion(bytes, 5);
    return parse(bytes, maxEnvelope, envelopeLayout);
  });
  must(enc.length === encapsulationSize && ct.length === 48 && signature.length === 64, 'E-3', 'a part of another length');
  const [name, , , , , commitment, , sender] = within('E-4', () => parse(info, maxEnvelope, infoLayout));
  must(name === label, 'E-4', 'info of another label');
  return { info, enc, ct, signature, commitment, sender };
}

/**
 * Opens an envelope (E-1 to E-10) and returns the key.
 * @param {Uint8Array} bytes
 * @param {Uint8Array} seed of the recipient's key pair
 * @param {Uint8Array} senderKey from the log
 * @param {Info} want from the log
 * @param {Uint8Array} [publicKey] of a user, group or folder key, from the log
 */
export function openEnvelope(bytes, seed, senderKey, want, publicKey) {
  const { info, enc, ct, signature } = parseEnvelope(bytes);
  must(equal(info, encodeInfo(want)), 'E-5', 'not what the log says');
  within('E-6', () => {
    checkSigningKey(senderKey);
    verify(senderKey, label, concat(sha256(info), enc, ct), signature);
  });
  const pair = sealingKeyPair(seed);
  must(equal(publicKeyName(pair.publicKey), want.recipient.key), 'E-7', 'sealed to another key');
  within('E-8', () => checkEncapsulation(enc));
  const key = hpkeOpen(pair, enc, info, ct);
  if (key === undefined) throw new Refusal('E-9', 'does not open');
  return within('E-10', () => new DataKey(key, want).check(want.commitment, publicKey).key);
}
