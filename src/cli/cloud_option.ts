import { Option } from 'commander';
import { Cloud } from '../gen/tokenvault/v1/app_pb.ts';

/** By their names on the command line. */
export const CLOUDS = {
  global: Cloud.GLOBAL,
  'us-gov': Cloud.US_GOV,
  china: Cloud.CHINA,
  custom: Cloud.CUSTOM,
} as const;

export type CloudName = keyof typeof CLOUDS;

export function cloudOption(): Option {
  return new Option('--cloud <cloud>', 'the Microsoft cloud of the registration')
    .choices(Object.keys(CLOUDS))
    .default('global');
}
