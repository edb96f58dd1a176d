import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openEnvelope } from '../src/envelope.js';
import { sealingKeyPair } from '../src/suite.js';
import { bytes, checkAll, context, load } from './vectors.js';

const want = (v) => ({
  ...context(v),
  commitment: bytes(v.commitment),
  recipient: { kind: v.recipient.kind, id: bytes(v.recipient.id), key: bytes(v.recipient.key) },
  sender: bytes(v.sender),
});

const open = (v, publicKey) =>
  openEnvelope(bytes(v.envelope), bytes(v.recipient_seed), bytes(v.sender_key), want(v.want), publicKey);

checkAll('envelope', { envelope: (v) => ({ key: open(v) }) });

test('a user key must be that of the public key in the log', () => {
  const v = load('envelope').vectors.find((vector) => vector.want.kind === 5 && !vector.rule);
  const { publicKey } = sealingKeyPair(bytes(v.key));
  open(v, publicKey);
  assert.throws(() => open(v, sealingKeyPair(bytes(v.recipient_seed)).publicKey), { rule: 'E-10' });
});
