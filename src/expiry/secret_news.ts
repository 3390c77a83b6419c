/** What Azure tells of secrets in key vaults. */
export interface SecretNews {
  /**
   * A secret changed, or nears its end: what is in memory of it is forgotten, and the apps with credentials that refer to it are looked at
   * in the next round. Answers how many apps; 0: nobody refers to it. DATABASE_UNAVAILABLE.
   */
  heard(secretUri: string): Promise<number>;
}
