import { type App, type Cloud, registrationDirectory } from '../model/app.ts';
import { OWN_REGISTRATION_PERMISSION } from '../model/rotation.ts';

type Registration = Pick<App, 'clientId' | 'cloud' | 'signInAudience' | 'homeDirectoryId'>;

/** What lets an app renew its own client secret, in the order of doing it. */
export function rotationSteps(app: Registration): readonly string[] {
  return [permissionStep(OWN_REGISTRATION_PERMISSION), ownerStep(app)];
}

/** Application permissions work by an administrator's consent alone. */
export function permissionStep(permission: string): string {
  return `Manage > API permissions > Add a permission > Microsoft Graph > Application permissions: ${permission}; then an administrator selects "Grant admin consent for …" there.`;
}

/** https://learn.microsoft.com/cli/azure/manage-clouds-azure-cli */
const CLOUDS: Readonly<Partial<Record<Cloud, string>>> = { US_GOV: 'AzureUSGovernment', CHINA: 'AzureChinaCloud' };

/**
 * The portal takes users alone as owners: "To do so, the application must be an owner of itself."
 * https://learn.microsoft.com/troubleshoot/entra/entra-id/users-groups-entra-apis/add-owner-for-application-microsoft-graph
 */
export function ownerStep(app: Registration): string {
  const { clientId, cloud } = app;
  const name = CLOUDS[cloud];
  const commands = [
    ...(name === undefined ? [] : [`az cloud set --name ${name}`]),
    `az login --allow-no-subscriptions --tenant ${registrationDirectory(app) ?? 'DIRECTORY'}`,
    `az ad app owner add --id ${clientId} --owner-object-id "$(az ad sp show --id ${clientId} --query id --output tsv)"`,
  ];
  return `Make the app an owner of its own registration, which the portal cannot (it takes users alone), with the Azure CLI: ${commands.join(' && ')}`;
}
