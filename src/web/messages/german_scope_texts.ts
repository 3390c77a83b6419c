/** German for the descriptions in the built-in scope catalogs, which are English; `{product} darf dann …`. */
export const GERMAN_SCOPE_TEXTS: Readonly<Record<string, string>> = {
  'All that the app is registered for': 'Alles, wofür die App registriert ist',
  'See your name and e-mail address': 'Ihren Namen und Ihre E-Mail-Adresse sehen',
  'Stay connected when you are away': 'Verbunden bleiben, auch wenn Sie nicht da sind',
  'Sign you in and read your profile': 'Sie anmelden und Ihr Profil lesen',
  'Read and change your profile': 'Ihr Profil lesen und ändern',

  'Read your mail': 'Ihre E-Mails lesen',
  'Read, change and delete your mail, and write drafts':
    'Ihre E-Mails lesen, ändern und löschen und Entwürfe schreiben',
  'Write drafts in your mailbox': 'Entwürfe in Ihrem Postfach schreiben',
  'Send mail as you': 'E-Mails in Ihrem Namen senden',
  'Read the headers of your mail, without bodies and attachments':
    'Kopfzeilen Ihrer E-Mails lesen, ohne Text und Anlagen',
  'Read the headers of mail that is shared with you': 'Kopfzeilen von E-Mails lesen, die für Sie freigegeben sind',
  'Read mail that is shared with you': 'E-Mails lesen, die für Sie freigegeben sind',
  'Read, change and delete mail that is shared with you':
    'E-Mails lesen, ändern und löschen, die für Sie freigegeben sind',
  'Send mail as others who allowed you to': 'E-Mails im Namen anderer senden, die es Ihnen erlaubt haben',
  'Read your mailbox settings, such as time zone and automatic replies':
    'Ihre Postfacheinstellungen lesen, etwa Zeitzone und automatische Antworten',
  'Read and change your mailbox settings': 'Ihre Postfacheinstellungen lesen und ändern',
  'Read the folders of your mailbox': 'Die Ordner Ihres Postfachs lesen',
  'Read and change the folders of your mailbox': 'Die Ordner Ihres Postfachs lesen und ändern',
  'Read the items of your mailbox for a backup': 'Die Elemente Ihres Postfachs für eine Sicherung lesen',
  'Read, change and delete your mail over IMAP': 'Ihre E-Mails über IMAP lesen, ändern und löschen',
  'Read and delete your mail over POP': 'Ihre E-Mails über POP lesen und löschen',
  'Send mail as you over SMTP': 'E-Mails über SMTP in Ihrem Namen senden',
  'Use your mailbox over Exchange Web Services': 'Ihr Postfach über Exchange-Webdienste verwenden',
  'Use your mailbox over Exchange ActiveSync': 'Ihr Postfach über Exchange ActiveSync verwenden',

  'Read your calendars': 'Ihre Kalender lesen',
  'Read, change and delete events in your calendars': 'Termine in Ihren Kalendern lesen, ändern und löschen',
  'Read the times and titles of your events, without bodies and attachments':
    'Zeiten und Titel Ihrer Termine lesen, ohne Text und Anlagen',
  'Read calendars that are shared with you': 'Kalender lesen, die für Sie freigegeben sind',
  'Read, change and delete events in calendars that are shared with you':
    'Termine in Kalendern lesen, ändern und löschen, die für Sie freigegeben sind',
  "Read your company's rooms and places": 'Räume und Orte Ihrer Organisation lesen',
  'Read the bookings that you may see': 'Buchungen lesen, auf die Sie Zugriff haben',
  'Read and change the bookings that you may see': 'Buchungen lesen und ändern, auf die Sie Zugriff haben',
  'Read and change the appointments of bookings that you may see':
    'Termine von Buchungen lesen und ändern, auf die Sie Zugriff haben',
  'Manage the bookings that you may see': 'Buchungen verwalten, auf die Sie Zugriff haben',

  'Read your contacts': 'Ihre Kontakte lesen',
  'Read, change and delete your contacts': 'Ihre Kontakte lesen, ändern und löschen',
  'Read contacts that are shared with you': 'Kontakte lesen, die für Sie freigegeben sind',
  'Read, change and delete contacts that are shared with you':
    'Kontakte lesen, ändern und löschen, die für Sie freigegeben sind',
  'Read the list of people who matter to you': 'Die Liste der Personen lesen, die für Sie wichtig sind',
  'Read the lists of people who matter to others in your company':
    'Die Listen der Personen lesen, die für andere in Ihrer Organisation wichtig sind',
  'Read the contacts of your company': 'Die Kontakte Ihrer Organisation lesen',

  'Read your tasks and task lists': 'Ihre Aufgaben und Aufgabenlisten lesen',
  'Read, change and delete your tasks and task lists': 'Ihre Aufgaben und Aufgabenlisten lesen, ändern und löschen',
  'Read tasks that are shared with you': 'Aufgaben lesen, die für Sie freigegeben sind',
  'Read, change and delete tasks that are shared with you':
    'Aufgaben lesen, ändern und löschen, die für Sie freigegeben sind',

  'Read your files': 'Ihre Dateien lesen',
  'Read, change and delete your files': 'Ihre Dateien lesen, ändern und löschen',
  'Read all files that you may see': 'Alle Dateien lesen, auf die Sie Zugriff haben',
  'Read, change and delete all files that you may see':
    'Alle Dateien lesen, ändern und löschen, auf die Sie Zugriff haben',
  'Read files that you pick': 'Dateien lesen, die Sie auswählen',
  'Read and change files that you pick': 'Dateien lesen und ändern, die Sie auswählen',
  'Keep its own folder among your files': 'Einen eigenen Ordner unter Ihren Dateien führen',
  'Read the sites that you may see': 'Websites lesen, auf die Sie Zugriff haben',
  'Read, change and delete items in the sites that you may see':
    'Elemente der Websites lesen, ändern und löschen, auf die Sie Zugriff haben',
  'Manage lists and items in the sites that you may see':
    'Listen und Elemente der Websites verwalten, auf die Sie Zugriff haben',
  'Have full control of the sites that you may control': 'Vollzugriff auf die Websites, über die Sie verfügen dürfen',
  'Use the sites that an administrator picked': 'Die Websites verwenden, die ein Administrator ausgewählt hat',
  'Create notebooks for you': 'Notizbücher für Sie erstellen',
  'Read your notebooks': 'Ihre Notizbücher lesen',
  'Read and change your notebooks': 'Ihre Notizbücher lesen und ändern',
  'Read all notebooks that you may see': 'Alle Notizbücher lesen, auf die Sie Zugriff haben',
  'Read and change all notebooks that you may see': 'Alle Notizbücher lesen und ändern, auf die Sie Zugriff haben',

  'Read the names and photos of others in your company': 'Namen und Fotos anderer in Ihrer Organisation lesen',
  'Read the full profiles of others in your company': 'Vollständige Profile anderer in Ihrer Organisation lesen',
  'Read and change the full profiles of others in your company':
    'Vollständige Profile anderer in Ihrer Organisation lesen und ändern',
  'Read the groups that you may see': 'Gruppen lesen, auf die Sie Zugriff haben',
  'Read and change the groups that you may change': 'Gruppen lesen und ändern, die Sie ändern dürfen',
  'Read who is in the groups that you may see': 'Die Mitglieder der Gruppen lesen, auf die Sie Zugriff haben',
  'Add and remove members of the groups that you may change':
    'Mitglieder der Gruppen hinzufügen und entfernen, die Sie ändern dürfen',
  'Read the conversations of the groups that you are in': 'Unterhaltungen der Gruppen lesen, denen Sie angehören',
  'Read and write conversations of the groups that you are in':
    'Unterhaltungen der Gruppen lesen und schreiben, denen Sie angehören',
  "Read your company's directory": 'Das Verzeichnis Ihrer Organisation lesen',
  "Read and change your company's directory": 'Das Verzeichnis Ihrer Organisation lesen und ändern',
  "Do in your company's directory whatever you may do":
    'Im Verzeichnis Ihrer Organisation alles tun, was Sie tun dürfen',
  'Read the description of your company': 'Die Angaben zu Ihrer Organisation lesen',
  'Read the domains of your company': 'Die Domänen Ihrer Organisation lesen',
  'Read your list of devices': 'Die Liste Ihrer Geräte lesen',

  'Read whether you are available': 'Lesen, ob Sie verfügbar sind',
  'Read and set whether you are available': 'Lesen und festlegen, ob Sie verfügbar sind',
  'Read whether others in your company are available': 'Lesen, ob andere in Ihrer Organisation verfügbar sind',
  'Keep what you did in this app in your activity feed':
    'Ihre Aktivitäten in dieser App in Ihrem Aktivitätsfeed festhalten',
  'Send you notifications of this app': 'Ihnen Benachrichtigungen dieser App senden',
  'Start chats for you': 'Chats für Sie beginnen',
  'Read the names and members of your chats': 'Namen und Mitglieder Ihrer Chats lesen',
  'Read your chats': 'Ihre Chats lesen',
  'Read your chats and write in them': 'Ihre Chats lesen und darin schreiben',
  'Read messages of your chats': 'Nachrichten Ihrer Chats lesen',
  'Send chat messages as you': 'Chatnachrichten in Ihrem Namen senden',
  'Read the messages of the channels that you may see': 'Nachrichten der Kanäle lesen, auf die Sie Zugriff haben',
  'Send messages to channels as you': 'Nachrichten in Ihrem Namen an Kanäle senden',
  'Edit your messages in channels': 'Ihre Nachrichten in Kanälen bearbeiten',
  'Read the names of the channels that you may see': 'Namen der Kanäle lesen, auf die Sie Zugriff haben',
  'Create channels': 'Kanäle erstellen',
  'Read the names of the teams that you are in': 'Namen der Teams lesen, denen Sie angehören',
  'Create teams': 'Teams erstellen',
  'Read who is in the teams that you are in': 'Die Mitglieder der Teams lesen, denen Sie angehören',
  'Add and remove members of the teams that you are in':
    'Mitglieder der Teams hinzufügen und entfernen, denen Sie angehören',
  'Read the settings of the teams that you are in': 'Einstellungen der Teams lesen, denen Sie angehören',
  'Read and change the settings of the teams that you are in':
    'Einstellungen der Teams lesen und ändern, denen Sie angehören',
  'Read your online meetings': 'Ihre Onlinebesprechungen lesen',
  'Read, create and change your online meetings': 'Ihre Onlinebesprechungen lesen, erstellen und ändern',
  'Read the attendance of your online meetings': 'Die Anwesenheit in Ihren Onlinebesprechungen lesen',
  'Read the recordings of your online meetings': 'Die Aufzeichnungen Ihrer Onlinebesprechungen lesen',
  'Read the transcripts of your online meetings': 'Die Transkripte Ihrer Onlinebesprechungen lesen',

  "Read your company's app registrations": 'Die App-Registrierungen Ihrer Organisation lesen',
  "Read and change your company's app registrations": 'Die App-Registrierungen Ihrer Organisation lesen und ändern',
  "Read your company's audit log": 'Das Überwachungsprotokoll Ihrer Organisation lesen',
  "Read your company's usage reports": 'Die Nutzungsberichte Ihrer Organisation lesen',
  "Read your company's policies": 'Die Richtlinien Ihrer Organisation lesen',
  "Read who has which role in your company's directory":
    'Lesen, wer welche Rolle im Verzeichnis Ihrer Organisation hat',
  "Read your company's security events": 'Sicherheitsereignisse Ihrer Organisation lesen',
  "Read and change your company's security events": 'Sicherheitsereignisse Ihrer Organisation lesen und ändern',
  'Read which users of your company are at risk': 'Lesen, welche Benutzer Ihrer Organisation gefährdet sind',
  'Read the subscriptions to changes that you may see': 'Änderungsabonnements lesen, auf die Sie Zugriff haben',
  'Read items of the search index that you may see': 'Elemente des Suchindex lesen, auf die Sie Zugriff haben',
};
