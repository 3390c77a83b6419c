import { type CredentialProbe, CredentialProbe_OutcomeSchema } from '../../gen/tokenvault/v1/credential_pb.ts';
import { inCommandTerms } from '../command_terms.ts';
import { enumText } from '../enum_text.ts';
import { wrapped } from '../format_table.ts';

/** What Entra says about a new credential. */
export function probeLines(probe: CredentialProbe | undefined): readonly string[] {
  if (probe === undefined) return [];
  return wrapped(
    `Entra: ${enumText(CredentialProbe_OutcomeSchema, probe.outcome)}. ${inCommandTerms(probe.message)}`.trim(),
    2,
  );
}
