#!/bin/sh
# Prints the CycloneDX SBOM of the production dependencies. `npm sbom --omit dev` also omits what both development and
# production need (npm 11), so this lists a lock file from which the development dependencies are removed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/token-vault"
cp package.json package-lock.json "$folder/token-vault"
cd "$folder/token-vault"
npm pkg delete devDependencies
npm install --package-lock-only --ignore-scripts --offline --no-audit --no-fund --loglevel=error >&2
npm sbom --sbom-format cyclonedx --sbom-type application --package-lock-only --omit optional
