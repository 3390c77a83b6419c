import { errorLocation } from '../../src/telemetry/error_location.ts';

console.log(errorLocation(new RangeError('a secret')).stack);
