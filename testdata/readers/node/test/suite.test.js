import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concat, fromUtf8, hex } from '../src/bytes.js';
import { bstr, checkVersion, encode, list, parse, struct, tstr, uint } from '../src/cbor.js';
import { DataKey, checkEncapsulation, checkSealingKey, checkSigningKey, encodeContext, envelopeIndex, labelled, sealingKeyPair, sum, verify } from '../src/suite.js';
import { bytes, checkAll, context } from './vectors.js';

const sample = struct({
  1: ['1', uint()],
  2: ['2', bstr(4)],
  3: ['3', bstr()],
  4: ['4', tstr, 'optional'],
  5: ['5', list(uint()), 'optional'],
});

const shown = (value) => (value instanceof Uint8Array ? hex(value) : value);

checkAll('suite', {
  encoding(v) {
    const value = parse(bytes(v.bytes), 100, sample);
    const again = new Map(Object.entries(value).map(([key, field]) => [Number(key), field]));
    assert.equal(hex(encode(again)), v.bytes);
    return { value: Object.fromEntries(Object.entries(value).map(([key, field]) => [key, shown(field)])) };
  },
  version(v) {
    checkVersion(bytes(v.bytes), 3);
    return {};
  },
  sum: (v) => ({ sum: sum(v.label, bytes(v.payload)) }),
  index: (v) => ({ sum: envelopeIndex(v.recipient_kind, bytes(v.recipient_id)) }),
  'signing key'(v) {
    checkSigningKey(bytes(v.public));
    return {};
  },
  'sealing key'(v) {
    checkSealingKey(bytes(v.public));
    return { public: sealingKeyPair(bytes(v.seed)).publicKey };
  },
  encapsulation(v) {
    checkEncapsulation(bytes(v.bytes));
    return {};
  },
  signature(v) {
    verify(bytes(v.public), v.label, bytes(v.payload), bytes(v.signature));
    return {};
  },
  'data key'(v) {
    const key = new DataKey(bytes(v.key), context(v.context)).check(bytes(v.commitment));
    return {
      encoded_context: encodeContext(context(v.context)),
      base: key.base,
      commitment: key.commitment,
      key_id: key.keyId,
      k_tag: key.derive('underseal/v1/tag'),
      k_rec: key.derive('underseal/v1/record'),
      k_prev: key.derive('underseal/v1/prev'),
      k_name: key.derive('underseal/v1/name'),
    };
  },
  sealed(v) {
    const key = new DataKey(bytes(v.key), context(v.context));
    return { plaintext: key.open(v.label, bytes(v.extra), bytes(v.sealed)) };
  },
  history(v) {
    const key = new DataKey(bytes(v.key), context(v.context));
    return { previous_key: key.previous(bytes(v.sealed), context(v.previous_context), bytes(v.previous_commitment)).key };
  },
});

const { Point } = ed25519;
const toLittleEndian = (n) => Uint8Array.from({ length: 32 }, (_, i) => Number((n >> BigInt(8 * i)) & 0xffn));
const fromLittleEndian = (b) => b.reduceRight((n, byte) => (n << 8n) | BigInt(byte), 0n);

// With the cofactor, [8][S]B = [8]R + [8][k]A holds here. Libraries differ on it.
test('a signature whose R has a part of small order is refused', () => {
  const a = 5n;
  const r = 7n;
  const key = Point.BASE.multiply(a).toBytes();
  const order2 = Point.fromAffine({ x: 0n, y: Point.Fp.ORDER - 1n });
  const payload = Uint8Array.of(1, 2, 3);
  const sign = (R) => {
    const k = fromLittleEndian(sha512(concat(R, key, labelled('underseal/v1/entry', payload)))) % Point.Fn.ORDER;
    return concat(R, toLittleEndian((r + k * a) % Point.Fn.ORDER));
  };
  const good = sign(Point.BASE.multiply(r).toBytes());
  const bad = sign(Point.BASE.multiply(r).add(order2).toBytes());
  verify(key, 'underseal/v1/entry', payload, good);
  assert.ok(ed25519.verify(bad, labelled('underseal/v1/entry', payload), key, { zip215: false }), 'holds with the cofactor');
  assert.throws(() => verify(key, 'underseal/v1/entry', payload, bad), { rule: 'S-17' });
});

test('a byte order mark is kept', () => assert.equal(fromUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61)), '\ufeffa'));
