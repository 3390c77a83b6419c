/**
 * Delegated permissions of Microsoft Graph. Marks:
 * - `administrator`: only an administrator can consent.
 * - `managed`: needs an administrator where Microsoft manages consent (the default since 2025), also for verified publishers.
 *   https://learn.microsoft.com/entra/identity/enterprise-apps/manage-app-consent-policies
 * - `personal`: also available to personal accounts.
 * https://learn.microsoft.com/graph/permissions-reference
 */
export const GRAPH_PERMISSIONS = `
openid personal
profile personal
email personal
offline_access personal
User.Read personal
User.ReadWrite personal
User.ReadBasic.All
User.Read.All administrator
User.ReadWrite.All administrator
Mail.ReadBasic personal managed
Mail.Read personal managed
Mail.ReadWrite personal managed
Mail.Send personal
Mail.ReadBasic.Shared managed
Mail.Read.Shared managed
Mail.ReadWrite.Shared managed
Mail.Send.Shared
MailboxSettings.Read personal managed
MailboxSettings.ReadWrite personal managed
MailboxFolder.Read managed
MailboxFolder.ReadWrite managed
MailboxItem.Read managed
IMAP.AccessAsUser.All personal managed
POP.AccessAsUser.All personal managed
SMTP.Send personal
EWS.AccessAsUser.All managed
EAS.AccessAsUser.All managed
Calendars.ReadBasic personal administrator
Calendars.Read personal managed
Calendars.ReadWrite personal managed
Calendars.Read.Shared personal managed
Calendars.ReadWrite.Shared managed
Place.Read.All administrator
Place.ReadWrite.All administrator
Bookings.Read.All
Bookings.ReadWrite.All
Bookings.Manage.All
BookingsAppointment.ReadWrite.All
Contacts.Read personal
Contacts.ReadWrite personal managed
Contacts.Read.Shared managed
Contacts.ReadWrite.Shared managed
People.Read personal managed
People.Read.All administrator
OrgContact.Read.All administrator
Tasks.Read personal managed
Tasks.ReadWrite personal managed
Tasks.Read.Shared managed
Tasks.ReadWrite.Shared managed
Files.Read personal
Files.ReadWrite personal
Files.Read.All personal managed
Files.ReadWrite.All personal managed
Files.Read.Selected
Files.ReadWrite.Selected
Files.ReadWrite.AppFolder personal
Sites.Read.All managed
Sites.ReadWrite.All managed
Sites.Manage.All
Sites.FullControl.All administrator
Sites.Selected
Notes.Create personal
Notes.Read personal
Notes.ReadWrite personal
Notes.Read.All
Notes.ReadWrite.All
ShortNotes.Read personal
ShortNotes.ReadWrite personal
Group.Read.All administrator
Group.ReadWrite.All administrator
GroupMember.Read.All administrator
GroupMember.ReadWrite.All administrator
Group-Conversation.Read.All administrator
Group-Conversation.ReadWrite.All administrator
Directory.Read.All administrator
Directory.ReadWrite.All administrator
Directory.AccessAsUser.All administrator
Organization.Read.All administrator
Domain.Read.All administrator
Device.Read personal
Device.Command personal
Presence.Read
Presence.ReadWrite
Presence.Read.All
UserActivity.ReadWrite.CreatedByApp personal
UserNotification.ReadWrite.CreatedByApp personal
Chat.Create
Chat.ReadBasic
Chat.Read managed
Chat.ReadWrite managed
ChatMessage.Read
ChatMessage.Send
ChannelMessage.Read.All administrator
ChannelMessage.Send
ChannelMessage.Edit
Channel.ReadBasic.All
Channel.Create administrator
Team.ReadBasic.All
Team.Create
TeamMember.Read.All administrator
TeamMember.ReadWrite.All administrator
TeamSettings.Read.All administrator
TeamSettings.ReadWrite.All administrator
OnlineMeetings.Read managed
OnlineMeetings.ReadWrite managed
OnlineMeetingArtifact.Read.All
OnlineMeetingRecording.Read.All administrator
OnlineMeetingTranscript.Read.All administrator
Application.Read.All administrator
Application.ReadWrite.All administrator
Application.ReadWrite.OwnedBy administrator
AuditLog.Read.All administrator
Reports.Read.All administrator
Policy.Read.All administrator
RoleManagement.Read.All administrator
RoleManagement.Read.Directory administrator
SecurityEvents.Read.All administrator
SecurityEvents.ReadWrite.All administrator
IdentityRiskyUser.Read.All administrator
Subscription.Read.All administrator
ExternalItem.Read.All administrator
`;

/** Delegated permissions of Exchange Online; the mail protocols accept only these. */
export const OUTLOOK_PERMISSIONS = `
IMAP.AccessAsUser.All personal managed
POP.AccessAsUser.All personal managed
SMTP.Send personal
EWS.AccessAsUser.All managed
EAS.AccessAsUser.All managed
User.Read personal
Mail.Read personal managed
Mail.ReadWrite personal managed
Mail.Send personal
Calendars.Read personal managed
Calendars.ReadWrite personal managed
Contacts.Read personal
Contacts.ReadWrite personal managed
Tasks.Read personal managed
Tasks.ReadWrite personal managed
`;
