/** device.md: a device's keys, its record and its acceptance. */
import { ed25519 } from '@noble/curves/ed25519.js';
import { equal, utf8 } from './bytes.js';
import { bstr, encode, parse, struct, uint } from './cbor.js';
import { must, within } from './refusal.js';
import { checkSealingKey, checkSigningKey, expand, extract, labelled, sealingKeyPair, sum, verify } from './suite.js';

export const maxCard = 8192;

/** What derives from a device's secret. @param {Uint8Array} secret */
export function deviceKeys(secret) {
  const base = extract(utf8('underseal/v1/device-keys'), secret);
  const derive = (label) => expand(base, labelled(label, new Uint8Array(0)), 32);
  return {
    encryptionSeed: derive('underseal/v1/device-encryption'),
    signingSeed: derive('underseal/v1/device-signing'),
    signInSeed: derive('underseal/v1/device-sign-in'),
    localKey: derive('underseal/v1/device-local'),
  };
}

/**
 * The record of a device with these keys.
 * @param {ReturnType<typeof deviceKeys>} keys
 * @param {number} kind
 * @param {Uint8Array} label its commitment
 */
export function makeRecord(keys, kind, label) {
  return encode(
    new Map([
      [1, kind],
      [2, sealingKeyPair(keys.encryptionSeed).publicKey],
      [3, ed25519.getPublicKey(keys.signingSeed)],
      [4, ed25519.getPublicKey(keys.signInSeed)],
      [5, label],
    ]),
  );
}

// The keys' sizes are a matter of D-3.
const layout = struct({
  1: ['kind', uint()],
  2: ['encryption', bstr()],
  3: ['signing', bstr()],
  4: ['signIn', bstr()],
  5: ['label', bstr(32)],
});

/**
 * Parses and checks a record (D-1 to D-4).
 * @param {Uint8Array} bytes
 */
export function parseRecord(bytes) {
  const record = within('D-1', () => parse(bytes, maxCard, layout));
  must(record.kind >= 1 && record.kind <= 3, 'D-2', `kind ${record.kind}`);
  within('D-3', () => {
    checkSealingKey(record.encryption);
    checkSigningKey(record.signing);
    checkSigningKey(record.signIn);
  });
  must(!equal(record.signing, record.signIn), 'D-4', 'one key for signing and signing in');
  return { ...record, id: sum('underseal/v1/device-id', bytes) };
}

/**
 * What a device that is added signs, after the label.
 * @param {Uint8Array} organization
 * @param {Uint8Array} member
 * @param {Uint8Array} record
 */
export const acceptancePayload = (organization, member, record) => encode([organization, member, record]);

/**
 * Checks the acceptance of a device (D-5).
 * @param {Uint8Array} organization
 * @param {Uint8Array} member
 * @param {Uint8Array} record
 * @param {Uint8Array} acceptance
 */
export function checkAcceptance(organization, member, record, acceptance) {
  const { signing } = parseRecord(record);
  const payload = acceptancePayload(organization, member, record);
  within('D-5', () => verify(signing, 'underseal/v1/device', payload, acceptance));
}
