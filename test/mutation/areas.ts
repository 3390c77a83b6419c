export interface Area {
  /** Sources, as globs. */
  readonly mutate: readonly string[];
  /** The fast tests that concern them, as globs, quick ones first: no processes, and SQLite only. */
  readonly tests: readonly string[];
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
    mutate: [
      'src/keyring/{run_with_azure_sdk_client,keyvault_client_secrets,keyvault_client_secret_cache}.ts',
      'src/keyring/{check_keyvault_reference,explain_keyvault_failure}.ts',
    ],
    tests: [
      'test/keyring/{keyvault_failure,secret_cache}.test.ts',
      'test/keyring/{keyvault_secrets,keyvault_certificates,keyvault_secret_key_source,keyvault_key_source}.test.ts',
    ],
  },
  key_vault_certificates: {
    mutate: ['src/keyring/keyvault_certificates.ts'],
    tests: ['test/keyring/keyvault_certificates.test.ts'],
  },
  managed_identities: {
    mutate: ['src/keyring/managed_identity_tokens.ts', 'src/config/parse_managed_identities.ts'],
    tests: ['test/config/managed_identities.test.ts', 'test/keyring/managed_identity_tokens.test.ts'],
  },
  containment: {
    mutate: ['src/model/{contained_set,containment}.ts'],
    tests: ['test/model/contained_set.test.ts'],
  },
  credential_choice: {
    mutate: ['src/model/{credential_presentation_order,change_window,secret_rotation_due}.ts'],
    tests: ['test/model/{secret_rotation_due,credential_role,change_window}.test.ts'],
  },
  client_assertions: {
    mutate: ['src/entra/exchange/{key_vault_assertion_signer,client_assertion_claims}.ts'],
    tests: ['test/entra/key_vault_assertions.test.ts'],
  },
  secret_versions: {
    mutate: ['src/entra/exchange/key_vault_secret_versions.ts'],
    tests: ['test/entra/key_vault_secret_versions.test.ts'],
  },
  certificate_versions: {
    mutate: [
      'src/credential_lifecycle/inspection/follow_certificate_versions.ts',
      'src/model/key_vault_certificates.ts',
    ],
    tests: ['test/credential_lifecycle/follow_certificate_versions.test.ts'],
  },
  next_inspection: {
    mutate: ['src/credential_lifecycle/inspection/schedule_next_inspection.ts'],
    tests: ['test/credential_lifecycle/next_inspection.test.ts'],
  },
  calls: {
    mutate: ['src/rpc/pipeline/call_in_progress.ts'],
    tests: ['test/rpc/call_in_progress.test.ts'],
  },
  mailboxes: {
    mutate: ['src/mailbox_access/{check_mailbox_access,imap_inbox,mailbox_report}.ts'],
    tests: ['test/mailbox_access/{mailbox_checks,imap_inbox}.test.ts'],
  },
  audit_chain: {
    mutate: [
      'src/audit/{hash_chain,chain_fault,walk_hash_chain,recover_file_start}.ts',
      'src/audit/{verify_stream_files,verify_audit_files,merge_streams_by_time}.ts',
    ],
    tests: ['test/audit/{chain_walk,hash_chain,formats,verify_audit_files}.test.ts'],
  },
  audit_start: {
    mutate: ['src/audit/{find_stream_at_startup,parse_chain_line,verify_log_tail_at_startup}.ts'],
    tests: ['test/audit/{chain_line,log_tail}.test.ts', 'test/audit/{formats,streams_at_startup,log_end}.test.ts'],
  },
  audit_parts: {
    mutate: [
      'src/audit/{audit_log_health,format_entry_as_json_line,group_memory,log_lines_awaiting_fsync}.ts',
      'src/audit/{read_log_lines,serial_work_queue}.ts',
    ],
    tests: ['test/audit/{entry_line,group_memory,log_lines,log_parts}.test.ts'],
  },
  audit_log: {
    mutate: [
      'src/audit/{audit_entry_batch_writer,audit_log_file,audit_log_on_stdout}.ts',
      'src/audit/{hash_chained_audit_log,hash_chained_log_file,open_audit_log}.ts',
    ],
    tests: [
      'test/audit/{log_file,audit_stream,log_maintenance}.test.ts',
      'test/audit/{chained_audit_log,streams_at_startup,failing_disk,audit_file}.test.ts',
    ],
  },
  evidence_errors: {
    mutate: ['src/entra/errors/{classify_app_token_error,classify_entra_response,entra_error_lookup}.ts'],
    tests: [
      'test/entra/meaning_details.test.ts',
      'test/entra/{app_token_meaning,credential_choice}.test.ts',
      'test/entra/failures.test.ts',
    ],
  },
  evidence_error_table: {
    mutate: ['src/entra/errors/entra_error_table.ts'],
    tests: ['test/architecture/runbook_codes.test.ts', 'test/entra/error_table.test.ts'],
  },
  evidence_cooldowns: {
    mutate: [
      'src/entra/health/{app_failure_confirmation,weigh_refusals_of_app_in_directory,cooldown_with_trials}.ts',
      'src/entra/health/{refusal_evidence_weight,refused_request_cooldowns,trial_schedule}.ts',
    ],
    tests: ['test/entra/cooldown_bounds.test.ts', 'test/entra/cooldown_evidence.test.ts'],
  },
  evidence_credentials: {
    mutate: ['src/entra/health/{credential_choice,credential_health,judge_refused_credential}.ts'],
    tests: ['test/entra/credential_{choice,evidence}.test.ts'],
  },
  evidence_records: {
    mutate: ['src/entra/health/{app_state_recorder,background_health_probes}.ts'],
    tests: ['test/entra/app_state_recorder.test.ts'],
  },
  evidence_apps: {
    mutate: ['src/entra/health/{app_health,app_health_by_directory,app_health_cache}.ts'],
    tests: ['test/entra/app_evidence.test.ts'],
  },
  evidence_states: {
    mutate: ['src/model/{connection_after_redeem,connection_resource_issue,connection_resource_states}.ts'],
    tests: ['test/model/{resource_states,after_redeem,resource_issue_after_refusal}.test.ts'],
  },
  evidence_verdicts: {
    mutate: [
      'src/model/{personal_account_refusal,connection_resource_issue_after_refusal}.ts',
      'src/tokens/correlated_failure_detector.ts',
    ],
    tests: [
      'test/model/{after_redeem,resource_issue_after_refusal}.test.ts',
      'test/tokens/correlated_failure_detector.test.ts',
    ],
  },
  tokens_correlation: {
    mutate: ['src/tokens/apply_correlation_verdicts.ts'],
    tests: ['test/tokens/correlated_failures.test.ts'],
  },
  tokens_limits: {
    mutate: [
      'src/tokens/{answered_claims_challenges,connection_cooldowns,forced_exchange_rate_limit}.ts',
      'src/tokens/{reject_unusable_token,unattainable_ttl_cache,verification_limit}.ts',
    ],
    tests: ['test/tokens/{claims_challenges,entra_pauses,verification_limit}.test.ts'],
  },
  tokens_sharing: {
    mutate: ['src/tokens/{in_progress_limit,share_equal_values}.ts', 'src/model/{single_flight,keyed_mutex}.ts'],
    tests: ['test/model/single_flight.test.ts', 'test/tokens/{in_progress_limit,share_equal_values}.test.ts'],
  },
  tokens_caches: {
    mutate: ['src/tokens/{access_token_cache,connection_snapshot_cache,reread_while_behind,watch_access_token}.ts'],
    tests: [
      'test/tokens/{reread_while_behind,token_cache,watch_access_token}.test.ts',
      'test/tokens/{connection_snapshot,snapshot_drops}.test.ts',
    ],
  },
  tokens_app_only: {
    mutate: ['src/tokens/app_only_access_tokens.ts'],
    tests: ['test/tokens/{app_tokens,containment}.test.ts'],
  },
  tokens_serving_errors: {
    mutate: ['src/tokens/{check_requested_scopes_are_granted,connection_serving_errors}.ts'],
    tests: ['test/tokens/{requested_scopes,serving_errors}.test.ts'],
  },
  tokens_verify: {
    mutate: ['src/tokens/{check_not_contained,verify_connection}.ts'],
    tests: ['test/tokens/{verify_connection,containment}.test.ts'],
  },
  tokens_serving: {
    mutate: ['src/tokens/get_access_token.ts'],
    tests: ['test/tokens/serve_or_refresh.test.ts'],
  },
  tokens_service: {
    mutate: ['src/tokens/create_access_token_service.ts'],
    tests: ['test/tokens/access_token_service.test.ts'],
  },
  tokens_redeem: {
    mutate: ['src/tokens/redeem_refresh_token.ts'],
    tests: ['test/tokens/redeem_refresh_token.test.ts'],
  },
  tokens_refresh: {
    mutate: ['src/tokens/{refresh_access_token,refresh_request,refresh_under_lease}.ts'],
    tests: ['test/tokens/{refresh_under_lease,refresh_access_token}.test.ts'],
  },
  tokens_background: {
    mutate: [
      'src/tokens/{keep_refresh_tokens_alive,operator_token_alerts,refresh_ahead_of_expiry}.ts',
      'src/tokens/{wait_for_entra_admission,wait_until_caller_aborts}.ts',
    ],
    tests: ['test/tokens/{waiting_for_entra,refresh_ahead,keep_alive,refresh_ahead_and_keep_alive}.test.ts'],
  },
};
