/** invitation.md: the line by which somebody is let in, and the mail that belongs to it. */
import { checkText, openingLayout, parseCardFile, readBech32 } from './card.js';
import { equal, fromUtf8 } from './bytes.js';
import { bstr, checkVersion, encode, list, parse, tstr, tuple, uint } from './cbor.js';
import { openEnvelope, parseEnvelope } from './envelope.js';
import { must, within } from './refusal.js';
import { DataKey, publicKeyName, sealingKeyPair, sum } from './suite.js';

const prefix = 'underseal-invite';
const maxInvitation = 512;
const maxStore = 320;
const maxTime = 253402300799;
const maxMail = 65536;
const step = 8192;
const kind = 9;

const termsLayout = tuple(bstr(32), bstr(32), uint(), bstr(32), uint(), tstr);
const layout = tuple(uint(), bstr(32), termsLayout);
const mailLayout = tuple(uint(), bstr());
const messageLayout = tuple(uint(), openingLayout, openingLayout, openingLayout, list(openingLayout));
const answerLayout = tuple(uint(), bstr(), bstr(), bstr());

const versioned = (rule) => (inner) => (inner === 'S-8' ? 'I-3' : rule);

/** Reads a line (I-1 to I-4). @param {string} text */
export function parseLine(text) {
  const line = text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
  const size = Math.floor(((line.length - prefix.length - 7) * 5) / 8);
  must(size >= 1 && size <= maxInvitation, 'I-1', 'another length');
  const bytes = readBech32(line, prefix, size, 'I-1');
  const [, secret, terms] = within(versioned('I-2'), () => {
    checkVersion(bytes, 3);
    return parse(bytes, maxInvitation, layout);
  });
  const [organization, inviter, length, hash, expires, store] = terms;
  must(organization.some((byte) => byte !== 0), 'I-4', 'no organization');
  must(length !== 0, 'I-4', 'an empty log');
  must(expires >= 1 && expires <= maxTime, 'I-4', 'expiry');
  within('I-4', () => checkText(store));
  must(new TextEncoder().encode(store).length <= maxStore, 'I-4', 'a store of too many bytes');
  const context = { organization, resource: sum('underseal/v1/invite', encode(terms)), kind, epoch: 1 };
  const key = new DataKey(secret, context);
  return {
    secret, organization, inviter, length, hash, expires, store, key, context,
    invite: key.commitment, mailbox: key.derive('underseal/v1/invite-mailbox'),
  };
}

/** Opens mail (I-3, I-5) and returns its content. */
function openMail(invitation, label, mail) {
  const [, sealed] = within(versioned('I-5'), () => {
    must(mail.length <= maxMail, 'S-1', 'longer than mail');
    checkVersion(mail, 2);
    return parse(mail, maxMail, mailLayout);
  });
  const padded = within('I-5', () => invitation.key.open(label, new Uint8Array(0), sealed));
  must(padded.length <= 4 * step && padded.length % step === 0, 'I-5', 'not padded');
  const mark = padded.findLastIndex((byte) => byte !== 0);
  must(mark >= 0 && padded[mark] === 0x80 && mark >= padded.length - step, 'I-5', 'not padded');
  return padded.subarray(0, mark);
}

/** Opens the inviter's message (I-5, I-6). */
export function openMessage(invitation, mail) {
  const content = openMail(invitation, 'underseal/v1/invite-message', mail);
  return within('I-6', () => {
    const [role, organization, name, email, groups] = parse(content, 4 * step, messageLayout);
    must(role >= 1 && role <= 3, 'I-6', 'role');
    must(groups.length <= 16, 'I-6', 'too many groups');
    const texts = [[organization, 5], [name, 1], [email, 2], ...groups.map((group) => [group, 6])];
    for (const [[is, , text], wanted] of texts) {
      must(is === wanted, 'I-6', `a text of kind ${is}`);
      checkText(text);
    }
    return { role, texts: texts.map(([[, , text]]) => text) };
  });
}

/**
 * Opens an answer (I-5, I-7).
 * @param {ReturnType<typeof parseLine>} invitation
 * @param {Uint8Array} mail
 * @param {Uint8Array} seed of the inviter's user key
 */
export function openAnswer(invitation, mail, seed) {
  const content = openMail(invitation, 'underseal/v1/invite-answer', mail);
  return within('I-7', () => {
    const [answer, signing, envelope, sealed] = parse(content, 4 * step, answerLayout);
    if (answer === 2) {
      must(signing.length + envelope.length + sealed.length === 0, 'I-7', 'no has no parts');
      return { answer };
    }
    must(answer === 1, 'I-7', 'neither yes nor no');
    const { sender, commitment } = parseEnvelope(envelope);
    const recipient = { kind: 1, id: invitation.inviter, key: publicKeyName(sealingKeyPair(seed).publicKey) };
    const context = { ...invitation.context, epoch: 2 };
    const raw = openEnvelope(envelope, seed, signing, { ...context, commitment, recipient, sender });
    const text = fromUtf8(new DataKey(raw, context).open('underseal/v1/invite-card', new Uint8Array(0), sealed));
    must(text !== undefined, 'I-7', 'a card that is no text');
    const card = parseCardFile(text);
    must(text === canonical(text), 'I-7', 'a card in another form');
    must(equal(card.device.id, sender) && equal(card.device.signing, signing), 'I-7', "somebody else's card");
    return { answer, member: card.member, email: card.email };
  });
}

/** The one text of a card file: its base64 in lines of 64 characters, and nothing around it. */
function canonical(text) {
  const [begin, ...rest] = text.trimEnd().split('\n');
  const end = rest.pop();
  const base64 = rest.join('').replace(/[ \t\r]/g, '');
  return [begin, ...(base64.match(/.{1,64}/g) ?? []), end, ''].join('\n');
}
