import assert from 'node:assert/strict';
import { sha256 } from '@noble/hashes/sha2.js';
import { wantGroupKey, wantGroupSeed, wantResourceKey, wantUserKey } from '../src/accept.js';
import { hex } from '../src/bytes.js';
import { apply, replay } from '../src/log.js';
import { checkResealedShare, checkShare, openEscrow } from '../src/recovery.js';
import { bytes, checkAll, load } from './vectors.js';

const states = new Map();

/** The state after a log. Logs with the same beginning share its replay. */
function replayed({ organization, log, blobs = [] }, { entries }) {
  const last = log.at(-1);
  if (log.length === 0) return replay(bytes(organization), []);
  if (entries[last] === undefined) throw new TypeError(`no entry ${last}`);
  if (log.length === 1) return replay(bytes(organization), [bytes(entries[last])]);
  const key = JSON.stringify([organization, log, blobs]);
  if (!states.has(key)) {
    const before = replayed({ organization, log: log.slice(0, -1) }, { entries });
    const held = new Map(blobs.map((name) => [hex(sha256(bytes(entries[name]))), bytes(entries[name])]));
    states.set(key, apply(before, bytes(entries[last]), (name) => held.get(name)));
  }
  return states.get(key);
}

const shownEpochs = (epochs) => epochs.map((e) => ({ commitment: hex(e.commitment), author: e.author, closed: e.closed }));

const shownSenders = (senders) => [...senders].map((s) => s.split(' ')).map(([device, epoch]) => ({ device, epoch: Number(epoch) }));

const shownHelpers = (helpers) =>
  helpers.size > 0 && { helpers: [...helpers].map(([key, device]) => ({ device, epoch: Number(key.split(' ')[1]) })) };

/** The part of the state that the vectors show. */
function shown({ length, head, name, directory, policy, policySet, members, resources, groups, requests, devices, openings }) {
  return {
    length,
    head: hex(head),
    name: hex(name),
    directory,
    members: [...members.values()].map((m) => ({
      id: hex(m.id),
      role: m.role,
      ...(m.expires !== undefined && { expires: m.expires }),
      name: hex(m.name),
      email: hex(m.email),
      user_keys: m.userKeys.map(({ commitment, author }) => ({ commitment: hex(commitment), ...(author !== undefined && { author }) })),
      closed: m.closed,
      ...(m.removed && { removed: true }),
      devices: m.devices.map((id) => ({ id, removed: devices.get(id).removed })),
      ...(m.enrolments.length > 0 && {
        enrolments: m.enrolments.map(({ threshold, commitment, generation, shares, author, ended }) => ({
          threshold,
          commitment: hex(commitment),
          generation,
          shares: shares.map((s) => ({ officer: hex(s.officer), commitment: hex(s.commitment) })),
          author,
          ended,
        })),
      }),
    })),
    resources: [...resources.values()].map((r) => ({
      id: hex(r.id),
      kind: r.kind,
      label: hex(r.label),
      ended: r.ended,
      epochs: shownEpochs(r.epochs),
      // A group's id is shorter than a member's, and comes later.
      grants: [...r.grants].sort(([a], [b]) => b.length - a.length || (a < b ? -1 : 1)).map(([id, { rights, senders, helpers }]) => ({
        ...(id.length === 32 ? { group: id } : { member: id }),
        rights,
        senders: shownSenders(senders),
        ...shownHelpers(helpers),
      })),
    })),
    ...(policySet && { policy: Object.values(policy) }),
    ...(groups.size > 0 && {
      groups: [...groups.values()].map((g) => ({
        id: hex(g.id),
        label: hex(g.label),
        epochs: shownEpochs(g.epochs),
        members: [...g.members].sort(([a], [b]) => (a < b ? -1 : 1)).map(([member, { rights, senders, helpers }]) => ({
          member,
          rights,
          senders: shownSenders(senders),
          ...shownHelpers(helpers),
        })),
      })),
    }),
    ...(requests.size > 0 && {
      requests: [...requests].map(([device, { member, number, reason, by, approvals, ended }]) => ({
        device,
        member,
        number,
        reason: hex(reason),
        by,
        approvals,
        ended,
      })),
    }),
    openings: [...openings].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, { epoch }]) => {
      const [text, resource] = key.split(' ');
      return { text, resource, epoch };
    }),
  };
}

/** @param {any} v @param {any} file */
function replayVector(v, file) {
  const state = replayed(v, file);
  return v.state ? { state: shown(state) } : {};
}

const checks = {
  replay: replayVector,
  envelope(v, file) {
    wantResourceKey(replayed(v, file), {
      resource: bytes(v.resource),
      epoch: v.epoch ?? 0,
      member: bytes(v.member),
      recipientKey: bytes(v.recipient_key),
      sender: bytes(v.sender),
    });
    return {};
  },
  'user key'(v, file) {
    const claim = { member: bytes(v.member), generation: v.epoch ?? 0, device: bytes(v.device), sender: bytes(v.sender) };
    const { want } = wantUserKey(replayed(v, file), claim);
    assert.equal(want.resource.every((byte) => byte === 0), claim.generation === 1);
    return {};
  },
};

checkAll('log', checks);
checkAll('log-members', checks);

checkAll('log-groups', {
  replay: replayVector,
  'group envelope'(v, file) {
    wantGroupSeed(replayed(v, file), {
      group: bytes(v.group),
      epoch: v.epoch ?? 0,
      member: bytes(v.member),
      recipientKey: bytes(v.recipient_key),
      sender: bytes(v.sender),
    });
    return {};
  },
  'envelope to a group'(v, file) {
    wantGroupKey(replayed(v, file), {
      resource: bytes(v.resource),
      epoch: v.epoch ?? 0,
      group: bytes(v.group),
      member: bytes(v.member),
      recipientKey: bytes(v.recipient_key),
      sender: bytes(v.sender),
    });
    return {};
  },
});

checkAll('log-recovery', {
  replay: replayVector,
  'user key': checks['user key'],
  share(v, file) {
    checkShare(replayed(v, file), {
      member: bytes(v.member),
      number: v.epoch ?? 0,
      index: v.index ?? 0,
      officer: bytes(v.officer),
      recipientKey: bytes(v.recipient_key),
      sender: bytes(v.sender),
    });
    return {};
  },
  're-sealed share'(v, file) {
    const claim = { device: bytes(v.device), number: v.epoch ?? 0, index: v.index ?? 0, sender: bytes(v.sender) };
    checkResealedShare(replayed(v, file), claim);
    return {};
  },
  escrow(v, file) {
    const parts = v.parts.map(({ index, share }) => ({ index, share: bytes(share) }));
    return { seed: openEscrow(replayed(v, file), bytes(v.member), parts).key };
  },
});
