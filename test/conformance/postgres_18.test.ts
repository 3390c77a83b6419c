import { postgresConformance } from './postgres_conformance.ts';

postgresConformance(18);
