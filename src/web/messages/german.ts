import { html } from '../escaping_html_template.ts';
import { GERMAN_ADMINISTRATOR_OUTCOMES, GERMAN_USER_OUTCOMES } from './german_outcomes.ts';
import { GERMAN_SCOPE_TEXTS } from './german_scope_texts.ts';
import type { Messages } from './page_message_types.ts';

export const german: Messages = {
  language: 'de',
  direction: 'ltr',
  links: {
    user: {
      title: 'Microsoft-Konto verbinden',
      lead: ({ product, tenant, isOwn }) =>
        isOwn
          ? html`${product} bittet Sie, Ihr Microsoft-Konto zu verbinden.`
          : html`${tenant} bittet Sie, Ihr Microsoft-Konto mit ${product} zu verbinden.`,
      account: ({ expected }) => html`Anmelden als ${expected}`,
      scopes: ({ product }) => html`${product} darf dann`,
      implicit: () => 'Außerdem',
      unlisted: ({ product }) => html`Microsoft zeigt auf der nächsten Seite, was ${product} anfordert.`,
      afterwards: () =>
        'Sie melden sich bei Microsoft an; Ihr Kennwort bleibt dort. Microsoft fragt nach Ihrer Zustimmung, falls Sie sie noch nicht erteilt haben.',
      caution: () => 'Nur fortfahren, wenn Sie diesen Link selbst angefordert haben. Sonst abbrechen.',
      expiry: (time) => html`Dieser Link gilt bis zum ${time}.`,
      button: 'Weiter zu Microsoft',
      cancel: 'Abbrechen',
    },
    administrator: {
      title: 'Zugriff für Ihre Organisation genehmigen',
      lead: ({ product, tenant, isOwn }) =>
        isOwn
          ? html`${product} bittet einen Administrator Ihrer Organisation um eine Genehmigung.`
          : html`${tenant} bittet einen Administrator Ihrer Organisation, ${product} zu genehmigen.`,
      scopes: ({ product }) => html`Das darf ${product} dann für jede Person, die sich verbindet („Sie“)`,
      implicit: () => 'Außerdem',
      unlisted: ({ product }) =>
        html`Alles, was in der Registrierung von ${product} bei Microsoft steht. Microsoft zeigt die Liste, bevor Sie zustimmen.`,
      afterwards: () =>
        'Nur ein Administrator kann das genehmigen; andere können ihm die Adresse dieser Seite senden. Dabei wird kein Konto verbunden: Danach verbinden die Personen ihre eigenen Konten, ohne einzeln um Zustimmung gebeten zu werden.',
      caution: ({ product }) =>
        html`Nur fortfahren, wenn Sie wissen, wozu Ihre Organisation ${product} verwenden will.`,
      expiry: (time) => html`Dieser Link gilt bis zum ${time}.`,
      button: 'Weiter zu Microsoft',
    },
  },
  scopeTexts: GERMAN_SCOPE_TEXTS,
  ofResource: ', von ',
  outcomes: { user: GERMAN_USER_OUTCOMES, administrator: GERMAN_ADMINISTRATOR_OUTCOMES },
  connectedInPart: ({ product }) =>
    html`Microsoft erlaubt noch nicht alles, was ${product} angefordert hat. ${product} versucht es später erneut. Wenn dann noch etwas fehlt, verbinden Sie sich erneut, oder fragen Sie einen Administrator Ihrer Organisation.`,
  nextStep: {
    nobody: () => 'Fertig',
    you: () => 'Was Sie tun können',
    administrator: () => 'Fragen Sie einen Administrator Ihrer Organisation',
    product: ({ product }) => html`Wenden Sie sich an den Support von ${product}`,
    time: () => 'Warten Sie einige Minuten',
  },
  approval: {
    email: (product, link) => ({
      subject: `Bitte um Genehmigung: ${product}`,
      body: `Guten Tag,\n\nich möchte mein Microsoft-Konto mit ${product} verbinden. In unserer Organisation muss das zuerst ein Administrator genehmigen. Hier stehen die Einzelheiten, und hier können Sie es genehmigen:\n\n${link}\n\nVielen Dank!`,
    }),
    text: ({ product }) =>
      html`Ich möchte mein Microsoft-Konto mit ${product} verbinden. In unserer Organisation muss das zuerst ein Administrator genehmigen. Könnten Sie das bitte tun?`,
    first: ({ product }) =>
      html`Bei Geschäfts- und Schulkonten muss ein Administrator Ihrer Organisation ${product} meist zuerst genehmigen.`,
    notYet: () => 'Wenn noch kein Administrator genehmigt hat',
    ifNeeded: () => 'Wenn Microsoft die Genehmigung eines Administrators verlangt hat',
    send: 'Per E-Mail senden',
    openYourself: 'Ich bin Administrator: Link öffnen',
  },
  backFromMicrosoft: {
    title: 'Zurück von Microsoft',
    text: 'Wenn Sie die App genehmigt haben, können die Personen in Ihrer Organisation jetzt ihre Konten verbinden. Sie können dieses Fenster schließen.',
  },
  notFound: {
    title: 'Seite nicht gefunden',
    text: 'Die Adresse ist unvollständig oder falsch geschrieben. Öffnen Sie den ursprünglichen Link erneut.',
  },
  methodNotAllowed: {
    title: 'Diese Seite nimmt solche Anfragen nicht an',
    text: 'Öffnen Sie den ursprünglichen Link erneut.',
  },
  unreadable: {
    title: 'Die Antwort von Microsoft ist nicht lesbar',
    text: 'Sie ist zu groß oder unvollständig. Öffnen Sie den ursprünglichen Link erneut.',
  },
  terms: 'Nutzungsbedingungen',
  privacy: 'Datenschutz',
  backTo: ({ product }) => html`Zurück zu ${product}`,
  reference: 'Referenz',
  unnamed: { product: 'der Anwendung, von der Sie kommen', tenant: 'Der Absender dieses Links' },
};
