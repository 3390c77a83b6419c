import type { MessageInitShape } from '@bufbuild/protobuf';
import { MailboxCheck_Outcome, type MailboxCheckSchema } from '../../gen/tokenvault/v1/app_service_pb.ts';
import type { MailboxReport } from '../../mailbox_access/mailbox_report.ts';

export function toMailboxCheckMessage(report: MailboxReport): MessageInitShape<typeof MailboxCheckSchema> {
  const { mailbox, outcome, message, commands } = report;
  return { mailbox, outcome: MailboxCheck_Outcome[outcome], message, commands: [...commands] };
}
