/**
 * Whether a text file is in UTF-16, as PowerShell's `>` and Notepad's "Unicode" write it: by its byte order mark, or, where
 * it has none, by the zero byte of its first character. Files that are imported begin with an ASCII character.
 */
export function isUtf16(start: Uint8Array): boolean {
  const [first, second] = start;
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff) || first === 0 || second === 0;
}

export const SAVE_AS_UTF8 =
  'Save the file as UTF-8 (in PowerShell: Get-Content FILE | Set-Content -Encoding utf8 NEW), then run the import again.';
