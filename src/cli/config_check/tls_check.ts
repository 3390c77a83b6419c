import { X509Certificate } from 'node:crypto';
import { readClientCaFile } from '../../config/client_trust_reload.ts';
import type { Config } from '../../config/config_interface.ts';
import { readTlsFiles } from '../../listeners/tls_file_reload.ts';
import type { ClientCaFile } from '../../model/client_trust.ts';
import { CommandError, EXIT } from '../exit_codes.ts';

/** Whether certificate and key belong together, and are valid now. */
export async function checkTls({ tls }: Config): Promise<string> {
  if (tls === undefined) return 'not set: the listeners serve plaintext';
  const { cert } = await readTlsFiles(tls);
  const leaf = new X509Certificate(cert);
  const fault = validityFault(leaf);
  if (fault !== undefined) throw new CommandError(EXIT.CONFIGURATION, `The certificate in ${tls.certFile} ${fault}`);
  return `the certificate is valid until ${leaf.validToDate.toISOString()}`;
}

/** Whether each file with CAs of client certificates has one that is valid now. */
export async function checkClientCas({ tls }: Config): Promise<string> {
  if (tls === undefined || tls.clientCaFiles.length === 0) return 'not set: clients present no certificates';
  return (await Promise.all(tls.clientCaFiles.map(checkClientCaFile))).join('\n');
}

async function checkClientCaFile(file: ClientCaFile): Promise<string> {
  const cas = await readClientCaFile(file);
  const faults = cas.map(validityFault).filter((fault) => fault !== undefined);
  if (faults.length === cas.length)
    throw new CommandError(EXIT.CONFIGURATION, `The CA certificate in ${file.file} ${faults[0]}`);
  return [`${file.namespace}: ${cas.length} CAs`, ...faults.map((fault) => `one of them ${fault}`)].join('\n');
}

function validityFault({ validFromDate, validToDate }: X509Certificate): string | undefined {
  const now = new Date();
  if (validToDate <= now) return `expired at ${validToDate.toISOString()}. Renew it.`;
  if (validFromDate <= now) return undefined;
  return `is valid only from ${validFromDate.toISOString()}. Check the clock of this machine, or renew it.`;
}
