export interface Area {
  /** Sources, as globs. */
  readonly mutate: readonly string[];
  /** The fast tests that concern them, as globs: no processes, and SQLite only. */
  readonly tests: readonly string[];
  /** Runs with `--area` only: its survivors are not listed yet. */
  readonly isOptional?: true;
}

/** What is mutated, smallest first. */
export const AREAS: Readonly<Record<string, Area>> = {
  return_url: {
    mutate: ['src/connect/check_return_url.ts'],
    tests: ['test/connect/return_url.test.ts'],
  },
  rules: {
    mutate: ['src/model/{compiled_rules,connection_glob,explain_rules}.ts', 'src/rpc/pipeline/authorize_caller.ts'],
    tests: ['test/rpc/{authorize_caller,compiled_rules,access_service,connection_glob}.test.ts'],
  },
  ceilings: {
    isOptional: true,
    mutate: ['src/scopes/scope_ceiling.ts', 'src/tokens/check_scope_ceilings.ts'],
    tests: ['test/tokens/scope_ceilings.test.ts'],
  },
  sealing: {
    isOptional: true,
    mutate: ['src/keyring/{committing_aead,sealed_record}.ts'],
    tests: ['test/keyring/envelope.test.ts'],
  },
  keyring: { isOptional: true, mutate: ['src/keyring/*.ts'], tests: ['test/keyring/*.test.ts'] },
  audit: { isOptional: true, mutate: ['src/audit/*.ts'], tests: ['test/audit/*.test.ts'] },
  evidence: {
    isOptional: true,
    mutate: [
      'src/entra/{errors,health}/*.ts',
      'src/model/{personal_account_refusal,resource_issue_after_refusal}.ts',
      'src/tokens/correlated_failure_detector.ts',
    ],
    tests: ['test/entra/*.test.ts', 'test/tokens/correlated_*.test.ts', 'test/model/after_redeem.test.ts'],
  },
  tokens: {
    isOptional: true,
    mutate: ['src/tokens/*.ts', '!src/tokens/{check_scope_ceilings,correlated_failure_detector}.ts'],
    tests: ['test/tokens/*.test.ts'],
  },
};
