import type { Meter } from './prometheus_meter.ts';

/** Read at each scrape. */
export type SettingsFileFacts = () => readonly {
  /** `sinks file` */
  readonly file: string;
  /** Of the content in use. */
  readonly sha256: string;
  readonly isRejected: boolean;
}[];

export function createSettingsFileMetrics(meter: Meter, facts: SettingsFileFacts): void {
  meter.observed(
    'tokenvault_settings_file_info',
    '1, with the SHA-256 of the content in use of a file that is read while the vault runs. Replicas should be equal.',
    ['file', 'sha256'],
    facts,
    (gauge, files) => {
      gauge.reset();
      for (const { file, sha256 } of files) gauge.set({ file, sha256 }, 1);
    },
  );
  meter.observed(
    'tokenvault_settings_file_rejected',
    '1 if a file has content that is not valid, so that an earlier one is in use; else 0.',
    ['file'],
    facts,
    (gauge, files) => {
      for (const { file, isRejected } of files) gauge.set({ file }, isRejected ? 1 : 0);
    },
  );
}
