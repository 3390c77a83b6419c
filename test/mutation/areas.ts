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
    mutate: ['src/scopes/scope_ceiling.ts', 'src/tokens/check_scope_ceilings.ts'],
    tests: ['test/tokens/ceiling_checks.test.ts'],
  },
  sealing: {
    mutate: ['src/keyring/{committing_aead,sealed_record}.ts'],
    tests: ['test/keyring/envelope.test.ts'],
  },
  keyring: {
    mutate: [
      'src/keyring/{keyring,keyring_errors,row_mac,tenant_data_key_cache}.ts',
      'src/keyring/{database_key_canary,known_root_keys}.ts',
    ],
    tests: ['test/keyring/keyring.test.ts'],
  },
  root_keys: {
    mutate: [
      'src/keyring/{create_root_key_source,file_root_key_source,wrapped_root_key_file}.ts',
      'src/keyring/{keyvault_key_source,keyvault_secret_key_source,keyvault_location}.ts',
      'src/keyring/{key_encryption_key,root_key_source}.ts',
    ],
    tests: ['test/keyring/{file_key_source,keyvault_key_source,keyvault_secret_key_source,parse_key_source}.test.ts'],
  },
  key_vault: {
    isOptional: true,
    mutate: [
      'src/keyring/{keyvault_client,keyvault_client_secrets,keyvault_client_secret_cache}.ts',
      'src/keyring/{check_keyvault_secret_reference,explain_keyvault_failure}.ts',
    ],
    tests: ['test/keyring/{keyvault_secrets,secret_cache,keyvault_secret_key_source}.test.ts'],
  },
  audit_chain: {
    mutate: [
      'src/audit/{hash_chain,chain_fault,walk_hash_chain,recover_file_start}.ts',
      'src/audit/{verify_stream_files,verify_audit_files,merge_streams_by_time}.ts',
    ],
    tests: ['test/audit/{chain_walk,hash_chain,formats,verify_audit_files}.test.ts'],
  },
  audit_start: {
    isOptional: true,
    mutate: ['src/audit/{find_stream_at_startup,parse_chain_line,verify_log_tail_at_startup}.ts'],
    tests: ['test/audit/{log_end,streams_at_startup,formats}.test.ts'],
  },
  audit_parts: {
    mutate: [
      'src/audit/{audit_log_health,format_entry_as_json_line,log_lines_awaiting_fsync}.ts',
      'src/audit/{read_log_lines,serial_work_queue}.ts',
    ],
    tests: ['test/audit/{entry_line,log_lines,log_parts}.test.ts'],
  },
  audit_log: {
    isOptional: true,
    mutate: [
      'src/audit/{audit_entry_batch_writer,audit_log_file,audit_log_on_stdout}.ts',
      'src/audit/{hash_chained_audit_log,hash_chained_log_file,open_audit_log}.ts',
    ],
    tests: ['test/audit/{chained_audit_log,audit_file,audit_stream,failing_disk}.test.ts'],
  },
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
