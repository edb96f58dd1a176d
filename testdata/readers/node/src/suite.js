/** suite.md: labels, hashes, checks on public keys, data keys. */
import { xchacha20poly1305, chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import { expand as hkdfExpand, extract as hkdfExtract } from '@noble/hashes/hkdf.js';
import { hmac as rfcHmac } from '@noble/hashes/hmac.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { sha3_256, shake256 } from '@noble/hashes/sha3.js';
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { concat, equal, utf8 } from './bytes.js';
import { bstr, encode } from './cbor.js';
import { Refusal, must } from './refusal.js';

const empty = new Uint8Array(0);

/** @param {Uint8Array} k @param {Uint8Array} x */
export const hmac = (k, x) => rfcHmac(sha256, k, x);
/** @param {Uint8Array} salt @param {Uint8Array} ikm */
export const extract = (salt, ikm) => hkdfExtract(sha256, ikm, salt);
/** @param {Uint8Array} prk @param {Uint8Array} info @param {number} n */
export const expand = (prk, info, n) => hkdfExpand(sha256, prk, info, n);
export { sha256 };

/** L(label, x). @param {string} label @param {Uint8Array} x */
export const labelled = (label, x) => concat(utf8(label), Uint8Array.of(0), x);
/** Sum(label, x). @param {string} label @param {Uint8Array} x */
export const sum = (label, x) => sha256(labelled(label, x));

/** @param {Uint8Array} key */
export const publicKeyName = (key) => sum('underseal/v1/public-key', key);
/** @param {number} kind @param {Uint8Array} id */
export const envelopeIndex = (kind, id) => sum('underseal/v1/index', encode([kind, id]));

/* Signatures */

const p25519 = (1n << 255n) - 19n;
/** @param {Uint8Array} bytes */
const littleEndian = (bytes) => bytes.reduceRight((n, byte) => (n << 8n) | BigInt(byte), 0n);

/**
 * Checks an Ed25519 public key (S-10 to S-13) and returns its point.
 * @param {Uint8Array} key
 */
export function checkSigningKey(key) {
  must(key.length === 32, 'S-10', 'not the size of an Ed25519 key');
  let point;
  try {
    point = ed25519.Point.fromBytes(key, false);
  } catch (error) {
    throw new Refusal('S-11', 'not the encoding of a point', { cause: error });
  }
  must(equal(point.toBytes(), key), 'S-11', 'not the canonical encoding of a point');
  must(!point.isSmallOrder(), 'S-12', 'a point of small order');
  must(point.isTorsionFree(), 'S-13', 'a point outside of the prime-order group');
  return point;
}

/**
 * Verifies a signature over L(label, payload) (S-17), without the cofactor:
 * R must be the encoding of [S]B - [k]A. RFC 8032 allows both equations, and
 * they differ on an R outside of the prime-order group.
 * @param {Uint8Array} key checked
 * @param {string} label
 * @param {Uint8Array} payload
 * @param {Uint8Array} signature
 */
export function verify(key, label, payload, signature) {
  must(signature.length === 64, 'S-17', 'not the size of a signature');
  const R = signature.subarray(0, 32);
  const S = littleEndian(signature.subarray(32));
  const { BASE, Fn } = ed25519.Point;
  must(S < Fn.ORDER, 'S-17', 'S is not below the order');
  const k = littleEndian(sha512(concat(R, key, labelled(label, payload)))) % Fn.ORDER;
  const A = ed25519.Point.fromBytes(key, false);
  const expected = BASE.multiplyUnsafe(S).subtract(A.multiplyUnsafe(k));
  must(equal(expected.toBytes(), R), 'S-17', 'the signature does not verify');
}

/* X-Wing */

export const sealingKeySize = 1216;
export const encapsulationSize = 1120;

/** @param {Uint8Array} point */
function checkX25519(point) {
  must(littleEndian(point) < p25519, 'S-14', 'an X25519 point that is not canonical');
  // Any scalar does: X25519 clears the cofactor of the curve and of its twist.
  try {
    x25519.scalarMult(new Uint8Array(32).fill(9), point);
  } catch (error) {
    throw new Refusal('S-15', 'an X25519 point of low order', { cause: error });
  }
}

/**
 * Checks an X-Wing public key (S-10, S-14 to S-16).
 * @param {Uint8Array} key
 */
export function checkSealingKey(key) {
  must(key.length === sealingKeySize, 'S-10', 'not the size of an X-Wing key');
  checkX25519(key.subarray(1184));
  for (let i = 0; i < 1152; i += 3) {
    const low = key[i] | ((key[i + 1] & 0x0f) << 8);
    const high = (key[i + 1] >> 4) | (key[i + 2] << 4);
    must(low < 3329 && high < 3329, 'S-16', 'an ML-KEM coefficient is not below 3329');
  }
}

/**
 * Checks an X-Wing encapsulation (S-10, S-14, S-15).
 * @param {Uint8Array} enc
 */
export function checkEncapsulation(enc) {
  must(enc.length === encapsulationSize, 'S-10', 'not the size of an X-Wing encapsulation');
  checkX25519(enc.subarray(1088));
}

/** The X-Wing key pair of a seed. @param {Uint8Array} seed */
export function sealingKeyPair(seed) {
  const e = shake256(seed, { dkLen: 96 });
  const { publicKey: pkM, secretKey: skM } = ml_kem768.keygen(e.subarray(0, 64));
  const skX = e.slice(64);
  const pkX = x25519.getPublicKey(skX);
  return { publicKey: concat(pkM, pkX), skM, skX, pkX };
}

/**
 * The X-Wing shared secret.
 * @param {ReturnType<typeof sealingKeyPair>} pair
 * @param {Uint8Array} enc checked
 */
export function decapsulate({ skM, skX, pkX }, enc) {
  const ctX = enc.slice(1088);
  const ssM = ml_kem768.decapsulate(enc.slice(0, 1088), skM);
  const ssX = x25519.getSharedSecret(skX, ctX);
  return sha3_256(concat(ssM, ssX, ctX, pkX, Uint8Array.of(0x5c, 0x2e, 0x2f, 0x2f, 0x5e, 0x5c)));
}

/**
 * Opens what HPKE (RFC 9180, base mode, sequence number 0) sealed, or returns undefined.
 * @param {ReturnType<typeof sealingKeyPair>} pair
 * @param {Uint8Array} enc checked
 * @param {Uint8Array} info
 * @param {Uint8Array} ct
 */
export function hpkeOpen(pair, enc, info, ct) {
  const suiteId = concat(utf8('HPKE'), Uint8Array.of(0x64, 0x7a, 0x00, 0x01, 0x00, 0x03));
  const labeledExtract = (salt, label, ikm) => extract(salt, concat(utf8('HPKE-v1'), suiteId, utf8(label), ikm));
  const labeledExpand = (prk, label, context, n) =>
    expand(prk, concat(Uint8Array.of(n >> 8, n & 0xff), utf8('HPKE-v1'), suiteId, utf8(label), context), n);
  const pskIdHash = labeledExtract(empty, 'psk_id_hash', empty);
  const infoHash = labeledExtract(empty, 'info_hash', info);
  const context = concat(Uint8Array.of(0), pskIdHash, infoHash);
  const secret = labeledExtract(decapsulate(pair, enc), 'secret', empty);
  const key = labeledExpand(secret, 'key', context, 32);
  const nonce = labeledExpand(secret, 'base_nonce', context, 12);
  return attempt(() => chacha20poly1305(key, nonce).decrypt(ct));
}

/**
 * Opens XChaCha20-Poly1305, or returns undefined.
 * @param {Uint8Array} key
 * @param {Uint8Array} nonce
 * @param {Uint8Array} ad
 * @param {Uint8Array} sealed
 */
export const xopen = (key, nonce, ad, sealed) => attempt(() => xchacha20poly1305(key, nonce, ad).decrypt(sealed));

/** @template T @param {() => T} f @returns {T | undefined} */
function attempt(f) {
  try {
    return f();
  } catch {
    return undefined;
  }
}

/* Data keys */

export const kinds = { field: 1, folder: 2, directory: 3, group: 4, user: 5, escrow: 7, share: 8 };

/** @typedef {{organization: Uint8Array, resource: Uint8Array, kind: number, epoch: number}} Context */

/**
 * Checks a context (S-24) and encodes it to C.
 * @param {Context} context
 */
export function encodeContext({ organization, resource, kind, epoch }) {
  const size = { 1: 16, 2: 16, 3: 16, 5: 32, 7: 32, 8: 33, 9: 32 }[kind];
  must(size !== undefined, 'S-24', `data keys of kind ${kind} are not implemented`);
  must(resource.length === size, 'S-24', 'resource of another length');
  must(epoch !== 0, 'S-24', 'epoch 0');
  bstr(32)(organization);
  return encode([organization, resource, kind, epoch]);
}

/** A data key in its context, with what derives from it. */
export class DataKey {
  /**
   * @param {Uint8Array | undefined} key
   * @param {Context} context
   */
  constructor(key, context) {
    this.C = encodeContext(context);
    must(key?.length === 32, 'S-20', 'no key of 32 bytes');
    this.key = key;
    this.kind = context.kind;
    this.base = extract(utf8('underseal/v1/data-key'), key);
    this.commitment = this.derive('underseal/v1/commit');
    this.keyId = this.commitment.subarray(0, 8);
  }

  /** K_label. @param {string} label */
  derive(label) {
    return expand(this.base, labelled(label, this.C), 32);
  }

  /**
   * Holds the key against what the log names for it (S-21, S-22).
   * @param {Uint8Array} commitment
   * @param {Uint8Array} [publicKey] of a user, group or folder key
   */
  check(commitment, publicKey) {
    must(equal(this.commitment, commitment), 'S-21', 'not the key that the log commits to');
    if (publicKey !== undefined) {
      must(equal(sealingKeyPair(this.key).publicKey, publicKey), 'S-22', 'not the public key that the log names');
    }
    return this;
  }

  /**
   * Opens a text that is sealed under this key (S-23).
   * @param {string} label
   * @param {Uint8Array} extra
   * @param {Uint8Array} sealed
   */
  open(label, extra, sealed) {
    must(sealed.length >= 40, 'S-23', 'cut short');
    const ad = encode([label, this.C, extra]);
    const text = xopen(this.derive(label), sealed.subarray(0, 24), ad, sealed.subarray(24));
    must(text !== undefined, 'S-23', 'does not open');
    return text;
  }

  /**
   * Opens one link of the history: the key of the epoch before.
   * @param {Uint8Array} prev
   * @param {Context} context of the key before
   * @param {Uint8Array} commitment of the key before
   */
  previous(prev, context, commitment) {
    const key = this.open('underseal/v1/prev', concat(this.commitment, commitment), prev);
    return new DataKey(key, context).check(commitment);
  }
}
