/** The pages' only style. The content security policy names it by its hash, so the pages hold exactly this text. */
export const STYLE = [
  'body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}',
  'button{font:inherit;padding:.6rem 1.2rem;border:0;border-radius:.3rem;color:#fff;background:#0b57d0;cursor:pointer}',
  '@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}}',
].join('');
