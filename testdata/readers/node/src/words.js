/** log.md, "Words": the numbers that stand for them, and who may use an operation at all. */
import { op } from './entry.js';

export const role = { officer: 1, member: 2, guest: 3 };
export const right = { read: 1, write: 2, share: 4 };
export const of = { field: 1, folder: 2, directory: 3 };

/** One of a grant's senders. @param {string} device @param {number} epoch */
export const sender = (device, epoch) => `${device} ${epoch}`;

/**
 * Notes who announced an epoch (12, 30): those who share or manage as senders, of others the last device of each member as helpers.
 * @param {{senders: Set<string>, helpers: Map<string, string>}} to
 * @param {{shares: boolean, member: string, device: string, epoch: number}} by
 */
export function announce(to, { shares, member, device, epoch }) {
  if (shares) to.senders.add(sender(device, epoch));
  else to.helpers.set(sender(member, epoch), device);
}

/**
 * Whether a device may send an epoch's key.
 * @param {{senders: Set<string>, helpers: Map<string, string>}} to
 * @param {{author: string}} opened the epoch
 * @param {string} device @param {number} epoch
 */
export const maySend = (to, opened, device, epoch) =>
  device === opened.author ||
  to.senders.has(sender(device, epoch)) ||
  [...to.helpers].some(([key, helper]) => helper === device && key.endsWith(` ${epoch}`));

/** The roles that the authority table lets use an operation at all. */
export const authority = {
  [op.genesis]: [],
  [op.memberAdded]: [role.officer, role.member],
  [op.deviceAdded]: [role.officer, role.member, role.guest],
  [op.deviceRemoved]: [role.officer, role.member, role.guest],
  [op.userKeyRotated]: [role.officer, role.member, role.guest],
  [op.keyCreated]: [role.officer, role.member],
  [op.keyRotated]: [role.officer, role.member],
  [op.keyClosed]: [role.officer, role.member, role.guest],
  [op.grant]: [role.officer, role.member],
  [op.revoke]: [role.officer, role.member],
  [op.directory]: [role.officer, role.member],
  [op.keyResealed]: [role.officer, role.member],
  [op.groupCreated]: [role.officer, role.member],
  [op.groupMemberAdded]: [role.officer, role.member],
  [op.groupMemberRemoved]: [role.officer, role.member],
  [op.groupRotated]: [role.officer, role.member],
  [op.memberRemoved]: [role.officer],
  [op.roleChanged]: [role.officer],
  [op.policy]: [role.officer],
  [op.recoveryEnrolled]: [role.officer, role.member, role.guest],
  [op.recoveryEnded]: [role.officer, role.member, role.guest],
  [op.recoveryRequested]: [role.officer],
  [op.recoveryApproved]: [role.officer],
  [op.recoveryFinished]: [role.officer, role.member, role.guest],
  [op.operationsBlob]: [role.officer, role.member, role.guest],
  [op.groupClosed]: [role.officer, role.member, role.guest],
  [op.groupResealed]: [role.officer, role.member],
  [op.invitationWithdrawn]: [role.officer, role.member],
  [op.resourceEnded]: [role.officer, role.member],
};
