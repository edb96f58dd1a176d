/** secret.md: a small value for programs of the organization. */
import { equal, hex, utf8 } from './bytes.js';
import { encode } from './cbor.js';
import { Refusal } from './refusal.js';
import { sum } from './suite.js';
import { openToken, types } from './token.js';

const maxSecret = 4096;
const maxMessages = 64;

/** The mailbox of a resource. @param {Uint8Array} organization @param {Uint8Array} resource */
export const secretBox = (organization, resource) => sum('underseal/v1/secret', encode([organization, resource]));

/** The label of the resource of a value. @param {Uint8Array} value */
export const secretLabel = (value) => hex(sum('underseal/v1/secret-value', value));

/**
 * The value of a secret, from the messages of its mailbox (O-1).
 * @param {string} name
 * @param {string} label of the resource in force, opened
 * @param {import('./suite.js').DataKey[]} keys of its epochs
 * @param {Uint8Array[]} messages
 */
export function readSecret(name, label, keys, messages) {
  const record = { connector: 'underseal', account: '', kind: 'secret', id: name, generation: 0 };
  for (const message of messages.slice(0, maxMessages)) {
    const opened = open(message, keys, record);
    if (opened === undefined || opened.binding !== 'bound' || opened.type !== types.binary) continue;
    const { value } = opened;
    if (value.length < 1 || value.length > maxSecret) continue;
    if (equal(utf8(secretLabel(value)), utf8(label))) return value;
  }
  throw new Refusal('O-1', 'no message holds the value');
}

/** What a token opens to, or undefined: a mailbox may hold anything. */
function open(message, keys, record) {
  try {
    return openToken(Buffer.from(message).toString('latin1'), keys, record);
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}
