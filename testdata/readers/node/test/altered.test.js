/** Whatever is altered, cut or moved is refused, and never by an error that is not a refusal. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCard } from '../src/card.js';
import { openEnvelope } from '../src/envelope.js';
import { apply, replay } from '../src/log.js';
import { DataKey } from '../src/suite.js';
import { openToken } from '../src/token.js';
import { bytes, context, load } from './vectors.js';

/** Whether the reader refuses; anything else that it throws is a fault of the reader. */
function refuses(f) {
  try {
    f();
  } catch (error) {
    if (error.name !== 'Refusal') throw error;
    return true;
  }
  return false;
}

/**
 * Alters and cuts at some positions, the same ones in every run.
 * @param {Uint8Array} good
 * @param {number} count
 */
function* altered(good, count) {
  for (let i = 0; i < count; i++) {
    const at = Math.floor((i * good.length) / count);
    for (const change of [0x01, 0x20, 0x80]) yield good.map((byte, j) => (j === at ? byte ^ change : byte));
    yield good.slice(0, at);
  }
}

const valid = (name, kind) => load(name).vectors.find((v) => v.rule === undefined && v.kind === kind);

test('cards', () => {
  const card = bytes(valid('card', 'card').card);
  parseCard(card);
  for (const bad of altered(card, 80)) assert.ok(refuses(() => parseCard(bad)));
});

test('envelopes', () => {
  const v = valid('envelope');
  const want = { ...context(v.want), commitment: bytes(v.want.commitment), sender: bytes(v.want.sender) };
  want.recipient = { kind: v.want.recipient.kind, id: bytes(v.want.recipient.id), key: bytes(v.want.recipient.key) };
  const open = (envelope) => openEnvelope(envelope, bytes(v.recipient_seed), bytes(v.sender_key), want);
  open(bytes(v.envelope));
  for (const bad of altered(bytes(v.envelope), 80)) assert.ok(refuses(() => open(bad)));
});

test('tokens', () => {
  const v = valid('token');
  const key = new DataKey(bytes(v.key), context(v.context));
  openToken(v.token, [key], v.record);
  for (const bad of altered(new TextEncoder().encode(v.token), v.token.length)) {
    assert.ok(refuses(() => openToken(Buffer.from(bad).toString('latin1'), [key], v.record)));
  }
});

test('logs', () => {
  const { vectors, entries } = load('log');
  const story = vectors.find((v) => v.state);
  const log = story.log.map((name) => bytes(entries[name]));
  const organization = bytes(story.organization);
  const states = [];
  log.forEach((entry, i) => states.push(i === 0 ? replay(organization, [entry]) : apply(states[i - 1], entry)));
  log.forEach((entry, i) => {
    if (i === 0) {
      for (const bad of altered(entry, 20)) assert.ok(refuses(() => replay(organization, [bad])));
      return;
    }
    for (const bad of altered(entry, 10)) assert.ok(refuses(() => apply(states[i - 1], bad)));
    // Every other entry of the story is out of its place here.
    log.forEach((other, j) => i === j || assert.ok(refuses(() => apply(states[i - 1], other))));
    const before = structuredClone(states[i - 1]);
    refuses(() => apply(states[i - 1], log.at(-1)));
    assert.deepEqual(states[i - 1], before, 'a refused entry changes nothing');
  });
});
