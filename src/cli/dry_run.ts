/** The end of a sentence about what could be done. */
export const DRY_RUN = 'This was a dry run: nothing was stored.';
