import type { DescEnum } from '@bufbuild/protobuf';

/** The value of an enum as the documentation spells it: `ACTIVE`. */
export function enumText({ value }: DescEnum, number: number): string {
  return value[number]?.localName ?? `${number}`;
}
