import { openAnswer, openMessage, parseLine } from '../src/invitation.js';
import { bytes, checkAll } from './vectors.js';

checkAll('invitation', {
  line(v) {
    const { secret, organization, inviter, length, hash, expires, store, invite, mailbox } = parseLine(v.line);
    return { secret, organization, inviter, length, hash, expires, store, invite, mailbox };
  },
  message: (v) => openMessage(parseLine(v.line), bytes(v.mail)),
  answer: (v) => openAnswer(parseLine(v.line), bytes(v.mail), bytes(v.user_key)),
});
