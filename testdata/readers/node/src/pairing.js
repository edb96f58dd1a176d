/** pairing.md: the code, the three messages, the six words. */
import { equal, utf8 } from './bytes.js';
import { bstr, checkVersion, encode, parse, tuple, uint } from './cbor.js';
import { openText, readBech32 } from './card.js';
import { checkAcceptance, parseRecord } from './device.js';
import { Refusal, must, within } from './refusal.js';
import { expand, extract, labelled, sha256, sum, verify, xopen } from './suite.js';

const prefix = 'underseal-pair-';
const maxMessage = 4096;
const textKindDevice = 4;
const empty = new Uint8Array(0);

/**
 * Reads a code as people type it.
 * @param {string} typed
 */
export function parseCode(typed) {
  let text = typed.replace(/[- \t\r\n]/g, '');
  const short = `${prefix}1`.replaceAll('-', '');
  for (const p of [short, short.toUpperCase()]) {
    if (!text.startsWith(p)) continue;
    text = text.slice(p.length);
    must(p === short ? text === text.toLowerCase() : text === text.toUpperCase(), 'Q-1', 'mixed case');
  }
  const whole = text === text.toUpperCase() ? `${prefix}1`.toUpperCase() : `${prefix}1`;
  return readBech32(whole + text, prefix, 16, 'Q-1');
}

/** K_label. @param {Uint8Array} code @param {string} label */
export const pairingKey = (code, label) => expand(extract(utf8('underseal/v1/pairing'), code), labelled(label, empty), 32);

/** The message that lies under a label. */
function open(code, label, message) {
  must(message.length <= maxMessage && message.length >= 24, 'Q-2', 'not a message');
  const plain = xopen(pairingKey(code, label), message.subarray(0, 24), labelled(label, empty), message.subarray(24));
  must(plain !== undefined, 'Q-2', 'does not open');
  return plain;
}

/** Decodes an array of the version and these items. */
const items = (plain, rule, ...layouts) =>
  within(rule, () => {
    checkVersion(plain, layouts.length + 1);
    return parse(plain, maxMessage, tuple(uint(), ...layouts));
  });

/**
 * Reads an offer.
 * @param {Uint8Array} code
 * @param {Uint8Array} message
 */
export function readOffer(code, message) {
  const plain = open(code, 'underseal/v1/pairing-offer', message);
  const all = items(plain, 'Q-3', bstr(32), bstr(32), bstr(), uint(), bstr(32), uint(), bstr(32), bstr());
  const [, organization, member, record, length, head, expires, nonce, signature] = all;
  must(length >= 1, 'Q-3', 'of no entries');
  const device = within('Q-3', () => parseRecord(record));
  const signed = encode([...all.slice(0, -1), empty]);
  within('Q-3', () => verify(device.signing, 'underseal/v1/pairing-signature', signed, signature));
  return { organization, member, record, device: device.id, length, head, expires, nonce };
}

/**
 * Reads an answer to an offer.
 * @param {Uint8Array} code
 * @param {Uint8Array} offerMessage
 * @param {Uint8Array} message
 */
export function readAnswer(code, offerMessage, message) {
  const { organization, member } = readOffer(code, offerMessage);
  const plain = open(code, 'underseal/v1/pairing-answer', message);
  const [, offer, record, label, acceptance] = items(plain, 'Q-4', bstr(32), bstr(), bstr(), bstr());
  must(equal(offer, sha256(offerMessage)), 'Q-4', 'of another offer');
  return within('Q-5', () => {
    const device = parseRecord(record);
    if (device.kind !== 1) throw new Refusal('Q-5', 'not an installation');
    const { text } = openText(label, device.label, textKindDevice);
    checkAcceptance(organization, member, record, acceptance);
    return { record, device: device.id, label: text };
  });
}

/**
 * Reads a reveal, and makes the words.
 * @param {Uint8Array} code
 * @param {Uint8Array} offerMessage
 * @param {Uint8Array} answerMessage
 * @param {Uint8Array} message
 */
export function readReveal(code, offerMessage, answerMessage, message) {
  const offer = readOffer(code, offerMessage);
  const { record } = readAnswer(code, offerMessage, answerMessage);
  const plain = open(code, 'underseal/v1/pairing-reveal', message);
  const [, answer, nonce] = items(plain, 'Q-6', bstr(32), bstr(32));
  must(equal(answer, sha256(answerMessage)), 'Q-6', 'of another answer');
  must(equal(sum('underseal/v1/pairing-nonce', nonce), offer.nonce), 'Q-6', 'another nonce');
  const digest = sum('underseal/v1/pairing-words', encode([offer.organization, offer.member, offer.record, record, nonce]));
  const bits = [...digest].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return { nonce, words: Array.from({ length: 6 }, (_, i) => parseInt(bits.slice(11 * i, 11 * i + 11), 2)) };
}
