import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomBytes } from 'node:crypto';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { concat, utf8 } from '../src/bytes.js';
import { encode } from '../src/cbor.js';
import { DataKey } from '../src/suite.js';
import { openToken, recordKey, recordName, recordTag } from '../src/token.js';
import { bytes, checkAll, context } from './vectors.js';

checkAll('token', {
  token(v) {
    const key = new DataKey(bytes(v.key), context(v.context));
    const { type, value, binding, tag, associatedData, plaintext } = openToken(v.token, [key], v.record);
    const results = {
      type,
      value,
      binding,
      record_tag: tag,
      record_key: recordKey(key, tag),
      plaintext,
      associated_data: associatedData,
    };
    if (binding === 'bound') results.record_name = recordName(v.record);
    assert.deepEqual(recordTag(key, bytes(v.record_name)), tag);
    return results;
  },
});

const key = new DataKey(new Uint8Array(32).fill(7), {
  organization: new Uint8Array(32),
  resource: new Uint8Array(16),
  kind: 1,
  epoch: 1,
});

/** A token of these bytes before the padding. */
function seal(content) {
  const tag = recordTag(key, encode(['draft', new Uint8Array(16)]));
  const nonce = new Uint8Array(randomBytes(24));
  const ad = concat(utf8('us1'), Uint8Array.of(1), key.commitment, tag);
  const padding = new Uint8Array((16 - ((content.length + 1) % 16)) % 16);
  const sealed = xchacha20poly1305(recordKey(key, tag), nonce, ad).encrypt(concat(content, Uint8Array.of(0x80), padding));
  return `us1.${Buffer.from(concat(Uint8Array.of(1), key.keyId, tag, nonce, sealed)).toString('base64url')}`;
}

test('the largest value opens, a larger one is refused', () => {
  const value = (n) => concat(Uint8Array.of(0x83), new Uint8Array(n).fill(1));
  assert.equal(openToken(seal(value(1048576)), [key]).value.length, 1048576);
  assert.throws(() => openToken(seal(value(1048577)), [key]), { rule: 'T-11' });
  assert.throws(() => openToken(seal(value(1048590)), [key]), { rule: 'T-11' });
  assert.throws(() => openToken(seal(value(1048591)), [key]), { rule: 'T-4' });
});

test('JSON is at most 10,000 levels deep', () => {
  const json = (n) => concat(Uint8Array.of(0x82), utf8(`${'['.repeat(n)}"[\\"["${']'.repeat(n)}`));
  assert.equal(openToken(seal(json(10000)), [key]).type, 2);
  assert.throws(() => openToken(seal(json(10001)), [key]), { rule: 'T-10' });
});
