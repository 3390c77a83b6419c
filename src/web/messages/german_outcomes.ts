import { html } from '../escaping_html_template.ts';
import type { OutcomeKind } from '../pages/outcome_page_kinds.ts';
import type { OutcomeMessages, Sentence } from './page_message_types.ts';

type Outcomes = Readonly<Record<OutcomeKind, OutcomeMessages>>;

const startAgain: Sentence = ({ product }) => html`Gehen Sie zurück zu ${product}, und beginnen Sie erneut.`;
const contactSupport: Sentence = () =>
  'Nur dort lässt sich das beheben. Mit der folgenden Referenz kann der Support herausfinden, was geschehen ist.';
const tryAgain: Sentence = ({ product }) =>
  html`Öffnen Sie dann den ursprünglichen Link erneut, oder beginnen Sie bei ${product} von vorn.`;

/** `unnamed` is in the dative, and so is the name of the product in each outcome that may lack one. */
export const GERMAN_USER_OUTCOMES: Outcomes = {
  connected: {
    title: 'Verbunden',
    happened: ({ product, signedIn }) =>
      signedIn === undefined
        ? html`Ihr Microsoft-Konto ist mit ${product} verbunden.`
        : html`Ihr Microsoft-Konto ${signedIn} ist mit ${product} verbunden.`,
    next: () => 'Sie können dieses Fenster schließen.',
  },
  declined: {
    title: 'Nicht verbunden',
    happened: () => 'Die Anmeldung bei Microsoft endete ohne Ihre Zustimmung. Es wurde nichts geändert.',
    next: ({ product }) =>
      html`Wenn Sie es sich anders überlegen, gehen Sie zurück zu ${product}, und beginnen Sie erneut.`,
  },
  cancelled: {
    title: 'Abgebrochen',
    happened: () => 'Dieser Link wurde vor der Anmeldung abgebrochen. Es wurde nichts geändert.',
    next: ({ product }) =>
      html`Wenn Sie es sich anders überlegen, gehen Sie zurück zu ${product}, und beginnen Sie erneut.`,
  },
  approvalNeeded: {
    title: 'Das muss zuerst ein Administrator genehmigen',
    happened: ({ product }) =>
      html`In Ihrer Organisation darf nur ein Administrator erlauben, was ${product} anfordert. Es wurde noch nichts verbunden.`,
    next: ({ product }) =>
      html`Senden Sie ihm diesen Text. Gehen Sie nach der Genehmigung zurück zu ${product}, und beginnen Sie erneut.`,
  },
  consentMissing: {
    title: 'Es wurde nicht alles erlaubt',
    happened: ({ product }) =>
      html`Microsoft hat nicht alles erlaubt, was ${product} anfordert. Es wurde nichts verbunden.`,
    next: ({ product }) =>
      html`Gehen Sie zurück zu ${product}, beginnen Sie erneut, und stimmen Sie allem zu, was angefordert wird.`,
  },
  otherAccount: {
    title: 'Das war ein anderes Konto',
    happened: ({ expected, signedIn }) =>
      signedIn === undefined
        ? 'Diese Verbindung gehört zu einem anderen Microsoft-Konto als dem, mit dem Sie sich angemeldet haben. Sie wurde nicht geändert.'
        : html`Diese Verbindung gehört zu ${expected}. Sie haben sich als ${signedIn} angemeldet, daher wurde sie nicht geändert.`,
    next: ({ product }) =>
      html`Gehen Sie zurück zu ${product}, beginnen Sie erneut, und wählen Sie das Konto, das Sie zuvor verbunden haben. Um das Konto zu wechseln, wählen Sie das bei ${product}, oder wenden Sie sich an den Support.`,
  },
  otherDirectory: {
    title: 'Dieses Konto kann hier nicht verwendet werden',
    happened: ({ product }) =>
      html`Das Konto, mit dem Sie sich angemeldet haben, gehört zu einer Organisation, deren Konten für ${product} nicht zugelassen sind. Es wurde nichts verbunden.`,
    next: ({ product }) =>
      html`Wenn Sie ein Konto einer anderen Organisation haben, gehen Sie zurück zu ${product}, beginnen Sie erneut, und wählen Sie dieses. Bitten Sie sonst den Support von ${product}, Ihre Organisation zuzulassen.`,
  },
  linkInvalid: {
    title: 'Dieser Link ist nicht mehr gültig',
    happened: () => 'Er wurde schon verwendet, ist abgelaufen oder ist unvollständig.',
    next: ({ product }) =>
      html`Öffnen Sie den ursprünglichen Link erneut. Wenn das nicht hilft, gehen Sie zurück zu ${product}, und beginnen Sie erneut.`,
  },
  blocked: {
    title: 'Ihre Organisation erlaubt das nicht',
    happened: ({ product }) =>
      html`Microsoft hat die Anmeldung verhindert: wegen einer Regel Ihrer Organisation, oder weil dieses Konto ${product} nicht verwenden darf.`,
    next: () => 'Dieser Text kann helfen, den Grund zu finden:',
    toAdministrator: ({ product }) =>
      html`Microsoft lehnt meine Anmeldung bei ${product} ab. Könnten Sie bitte die Anmeldeprotokolle von Microsoft Entra prüfen? Sie zeigen den Grund: etwa eine Richtlinie für bedingten Zugriff, oder mein Konto ist der App nicht zugewiesen.`,
  },
  accountDisabled: {
    title: 'Dieses Konto ist deaktiviert',
    happened: () => 'Laut Microsoft ist das Konto deaktiviert, mit dem Sie sich angemeldet haben.',
    next: ({ product }) =>
      html`Ein Administrator kann es aktivieren. Oder gehen Sie zurück zu ${product}, und beginnen Sie mit einem anderen Konto erneut.`,
  },
  noLastingAccess: {
    title: 'Die Verbindung wäre nicht von Dauer',
    happened: ({ product }) =>
      html`Microsoft hat Sie angemeldet, aber ${product} keinen dauerhaften Zugriff gegeben. Es wurde nichts verbunden.`,
    next: ({ product }) =>
      html`Gehen Sie zurück zu ${product}, und beginnen Sie erneut. Wenn Microsoft fragt, ob der Zugriff auf Ihre Daten beibehalten werden darf, stimmen Sie zu. Wenn das nicht hilft, senden Sie die folgende Referenz an den Support von ${product}.`,
  },
  signInAgain: {
    title: 'Bitte melden Sie sich erneut an',
    happened: () => 'Microsoft hat diese Anmeldung nicht angenommen. Es wurde nichts verbunden.',
    next: startAgain,
  },
  appFault: {
    title: 'Die Verbindung konnte nicht hergestellt werden',
    happened: ({ product }) =>
      html`Microsoft nimmt die Einrichtung von ${product} nicht an. Sie haben nichts falsch gemacht und können es nicht beheben.`,
    next: contactSupport,
  },
  suspended: {
    title: 'Das Verbinden ist deaktiviert',
    happened: ({ product }) => html`Zurzeit kann hier kein Konto mit ${product} verbunden werden.`,
    next: contactSupport,
  },
  vaultFault: {
    title: 'Hier ist etwas schiefgegangen',
    happened: () => 'Ein Fehler auf unserer Seite hat die Verbindung verhindert. Sie haben nichts falsch gemacht.',
    next: contactSupport,
  },
  microsoftUnavailable: {
    title: 'Bitte versuchen Sie es in einigen Minuten erneut',
    happened: () => 'Microsoft konnte die Anmeldung gerade nicht abschließen. Es wurde noch nichts verbunden.',
    next: tryAgain,
  },
  serviceUnavailable: {
    title: 'Bitte versuchen Sie es in einigen Minuten erneut',
    happened: () =>
      'Die Anmeldung konnte nicht abgeschlossen werden, weil dieser Dienst gerade nicht voll verfügbar ist.',
    next: tryAgain,
  },
  pressedTooOften: {
    title: 'Dieser Link wurde zu oft verwendet',
    happened: () => 'Die Schaltfläche kann hundertmal gedrückt werden.',
    next: ({ product }) =>
      html`Gehen Sie zurück zu ${product}, und beginnen Sie erneut: Sie erhalten einen neuen Link.`,
  },
};

export const GERMAN_ADMINISTRATOR_OUTCOMES: Outcomes = {
  ...GERMAN_USER_OUTCOMES,
  connected: {
    title: 'Für Ihre Organisation genehmigt',
    happened: ({ product }) => html`Microsoft lässt ${product} in Ihrer Organisation jetzt zu.`,
    next: () => 'Die Personen können jetzt ihre Konten verbinden. Sie können dieses Fenster schließen.',
  },
  declined: {
    title: 'Nicht genehmigt',
    happened: () => 'Die Anmeldung bei Microsoft endete ohne eine Genehmigung. Es wurde nichts geändert.',
    next: () =>
      'Wenn Sie es sich anders überlegen, öffnen Sie den Link erneut. Wenn Sie nicht genehmigen dürfen, senden Sie den Link an einen Administrator.',
  },
  approvalNeeded: {
    title: 'Noch nicht genehmigt',
    happened: ({ product }) => html`Microsoft lässt ${product} in Ihrer Organisation noch nicht zu.`,
    next: () =>
      'Nur ein Administrator kann das genehmigen. Wenn Sie einer sind und genehmigt haben, braucht Microsoft vielleicht einige Minuten: Öffnen Sie dann den Link erneut, oder fordern Sie beim Absender einen neuen an.',
  },
  consentMissing: {
    title: 'Es wurde nicht alles genehmigt',
    happened: ({ product }) => html`Laut Microsoft wurde nicht alles genehmigt, was ${product} anfordert.`,
    next: () =>
      'Fordern Sie beim Absender dieses Links einen neuen an, und genehmigen Sie alles, was angefordert wird.',
  },
  otherDirectory: {
    title: 'Eine andere Organisation wurde erwartet',
    happened: () =>
      'Sie haben sich als Administrator einer Organisation angemeldet, für die dieser Link nicht bestimmt ist.',
    next: () =>
      'Öffnen Sie den Link erneut, und melden Sie sich mit einem Konto der Organisation an, für die er bestimmt ist.',
  },
  linkInvalid: {
    ...GERMAN_USER_OUTCOMES.linkInvalid,
    next: () =>
      'Öffnen Sie den ursprünglichen Link erneut. Wenn das nicht hilft, fordern Sie beim Absender einen neuen an.',
  },
  signInAgain: {
    ...GERMAN_USER_OUTCOMES.signInAgain,
    happened: () => 'Microsoft hat diese Anmeldung nicht angenommen. Es wurde nichts genehmigt.',
    next: () => 'Öffnen Sie den ursprünglichen Link erneut.',
  },
  vaultFault: {
    ...GERMAN_USER_OUTCOMES.vaultFault,
    happened: () =>
      'Ein Fehler auf unserer Seite hat verhindert, dass wir die Antwort von Microsoft lesen. Sie haben nichts falsch gemacht.',
  },
  microsoftUnavailable: {
    title: 'Das konnte noch nicht geprüft werden',
    happened: ({ product }) => html`Ob ${product} genehmigt ist, konnte bei Microsoft gerade nicht geprüft werden.`,
    next: () =>
      'Öffnen Sie dann den ursprünglichen Link erneut. Das können Sie auch tun, wenn Sie schon genehmigt haben.',
  },
  pressedTooOften: {
    ...GERMAN_USER_OUTCOMES.pressedTooOften,
    next: () => 'Fordern Sie beim Absender dieses Links einen neuen an.',
  },
};
