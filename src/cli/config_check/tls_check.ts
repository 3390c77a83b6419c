import { X509Certificate } from 'node:crypto';
import type { Config } from '../../config/config_interface.ts';
import { readTlsFiles } from '../../listeners/tls_file_reload.ts';
import { CommandError, EXIT } from '../exit_codes.ts';

/** Whether certificate and key belong together, and are valid now. */
export async function checkTls({ tls }: Config): Promise<string> {
  if (tls === undefined) return 'not set: the listeners serve plaintext';
  const { cert, ca } = await readTlsFiles(tls);
  const leaf = new X509Certificate(cert);
  checkValidity(tls.certFile, leaf);
  if (tls.clientCaFile !== undefined && ca !== undefined) checkValidity(tls.clientCaFile, new X509Certificate(ca));
  return `the certificate is valid until ${leaf.validToDate.toISOString()}`;
}

function checkValidity(file: string, { validFromDate, validToDate }: X509Certificate): void {
  const now = new Date();
  const fault =
    validToDate <= now
      ? `expired at ${validToDate.toISOString()}. Renew it.`
      : `is valid only from ${validFromDate.toISOString()}. Check the clock of this machine, or renew it.`;
  if (validToDate <= now || validFromDate > now)
    throw new CommandError(EXIT.CONFIGURATION, `The certificate in ${file} ${fault}`);
}
