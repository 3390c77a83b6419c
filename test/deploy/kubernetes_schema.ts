/** A Kubernetes object as YAML has it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  // biome-ignore lint/suspicious/noExplicitAny: each kind has another one, which the schema checks
  readonly spec?: any;
  readonly data?: Readonly<Record<string, string>>;
}

type Model = { readonly prototype: { validate(this: unknown): void } };

/** What is wrong with an object by the schema of its kind: wrong or missing values, and fields that no schema knows. */
export async function faultsOf(manifest: Manifest): Promise<string[]> {
  const { prototype } = await modelOf(manifest);
  const read = new Set<string>();
  try {
    // The constructor would copy the object, and so read all of it.
    prototype.validate.call(recording(manifest, '', read));
  } catch (error) {
    return [String(error)];
  }
  // The validators ignore unknown fields, which are mostly misspelled ones: they never read them.
  return pathsOf(manifest, '').filter((path) => !read.has(path));
}

async function modelOf({ apiVersion, kind }: Manifest): Promise<Model> {
  const library = apiVersion.startsWith('monitoring.') ? '@kubernetes-models/prometheus-operator' : 'kubernetes-models';
  const models = (await import(`${library}/${apiVersion}`)) as Record<string, Model>;
  const model = models[kind];
  if (model === undefined) throw new Error(`${apiVersion} has no kind ${kind}.`);
  return model;
}

/** The same value, which notes the paths that are read. */
function recording<Value>(value: Value, path: string, read: Set<string>): Value {
  if (typeof value !== 'object' || value === null) return value;
  return new Proxy(value, {
    get(target, key) {
      const inner: unknown = Reflect.get(target, key);
      if (typeof key === 'symbol' || typeof inner === 'function') return inner;
      read.add(`${path}/${key}`);
      return recording(inner, `${path}/${key}`, read);
    },
  });
}

function pathsOf(value: unknown, path: string): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [`${path}/${key}`, ...pathsOf(inner, `${path}/${key}`)]);
}
