import { createDecipheriv, createHash, createHmac, hkdfSync } from 'node:crypto';

// Written from docs/formats.md, without the code of the vault.

export interface TenantOfDeployment {
  deploymentId: string;
  tenantUid: string;
  tenantId: string;
}

export interface RecordParts {
  recordType: string;
  recordUid: string;
  column: string;
  names: readonly string[];
}

const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const lengthPrefixed = (text: string) => Buffer.concat([u32(Buffer.byteLength(text)), Buffer.from(text)]);

export function rootKeyId(rootKey: Buffer): Buffer {
  return createHash('sha256').update('tokenvault/kek-id').update(rootKey).digest().subarray(0, 16);
}

export function unwrap(rootKey: Buffer, tenant: TenantOfDeployment, version: number, wrapped: Buffer) {
  const header = Buffer.concat([Buffer.from([0x4b, 1]), rootKeyId(rootKey)]);
  const { deploymentId, tenantUid, tenantId } = tenant;
  const place = ['tokenvault/dek', deploymentId, tenantUid, tenantId, String(version)];
  const keys = openEnvelope(rootKey, 'tokenvault/v1/dek', header, place, wrapped);
  return { dek: keys.subarray(0, 32), indexKey: keys.subarray(32, 64) };
}

export function openRecord(
  dek: Buffer,
  tenant: TenantOfDeployment,
  { recordType, recordUid, column, names }: RecordParts,
  sealed: Buffer,
): Buffer {
  const { deploymentId, tenantUid, tenantId } = tenant;
  const header = Buffer.concat([Buffer.from([0x54, 1]), sealed.subarray(2, 6)]);
  const place = ['tokenvault/record', deploymentId, tenantUid, tenantId, recordType, recordUid, column, ...names];
  return openEnvelope(dek, 'tokenvault/v1/record', header, place, sealed);
}

export function versionOf(sealed: Buffer): number {
  return sealed.readUInt32BE(2);
}

export function usernameIndex(indexKey: Buffer, username: string): string {
  return createHmac('sha256', indexKey).update(username.normalize('NFC').toLowerCase()).digest('hex');
}

type Value = string | null | readonly string[];

export function macOf(
  indexKey: Buffer,
  { deploymentId, tenantUid, tenantId }: TenantOfDeployment,
  row: { recordType: string; recordUid: string; values: readonly Value[] },
): Buffer {
  const header = Buffer.from([0x4d, 1]);
  const encode = (value: Value): Buffer => {
    if (value === null) return Buffer.from([0]);
    if (typeof value === 'string') return Buffer.concat([Buffer.from([1]), lengthPrefixed(value)]);
    return Buffer.concat([Buffer.from([2]), u32(value.length), ...value.map(encode)]);
  };
  const names = ['tokenvault/mac', deploymentId, tenantUid, tenantId, row.recordType, row.recordUid];
  const message = Buffer.concat([header, ...[...names, ...row.values].map(encode)]);
  const key = Buffer.from(hkdfSync('sha256', indexKey, Buffer.alloc(0), 'tokenvault/v1/mac', 32));
  return Buffer.concat([header, createHmac('sha256', key).update(message).digest()]);
}

function openEnvelope(key: Buffer, info: string, header: Buffer, place: readonly string[], sealed: Buffer): Buffer {
  const at = header.length;
  const [salt, commit] = [sealed.subarray(at, at + 32), sealed.subarray(at + 32, at + 64)];
  const derived = Buffer.from(hkdfSync('sha512', key, salt, info, 64));
  if (!sealed.subarray(0, at).equals(header) || !derived.subarray(32).equals(commit)) throw new Error('other key');
  const decipher = createDecipheriv('aes-256-gcm', derived.subarray(0, 32), Buffer.alloc(12), { authTagLength: 16 });
  decipher.setAAD(Buffer.concat([header, ...place.map(lengthPrefixed), salt, commit]));
  decipher.setAuthTag(sealed.subarray(-16));
  const padded = Buffer.concat([decipher.update(sealed.subarray(at + 64, -16)), decipher.final()]);
  const end = 4 + padded.readUInt32BE(0);
  if (padded.length % 512 !== 0 || padded.subarray(end).some((byte) => byte !== 0)) throw new Error('padding');
  return padded.subarray(4, end);
}
