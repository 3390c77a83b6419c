import type { Dashboard, DataQuery, GraphFieldConfig, Panel, RowPanel, TableFieldOptions } from '@grafana/schema';
import type { Options as StatOptions } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type { Options as TableOptions } from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type { Options as TimeSeriesOptions } from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

/** A query of the data source Prometheus. The package has no type of it. */
interface PrometheusQuery extends DataQuery {
  expr: string;
  legendFormat?: string;
  format?: 'time_series' | 'table' | 'heatmap';
  instant?: boolean;
}

interface PanelOf<Type extends string, Options, Custom>
  extends Omit<Panel, 'type' | 'options' | 'targets' | 'fieldConfig'> {
  type: Type;
  title: string;
  options?: Partial<Options>;
  targets: PrometheusQuery[];
  fieldConfig: Omit<NonNullable<Panel['fieldConfig']>, 'defaults'> & {
    defaults: Omit<NonNullable<Panel['fieldConfig']>['defaults'], 'custom'> & { custom?: Custom };
  };
}

/** As a file has it: the values of enums are texts. */
type AsJson<Type> = Type extends string
  ? `${Type}`
  : Type extends (infer Item)[]
    ? AsJson<Item>[]
    : Type extends object
      ? { [Key in keyof Type]: AsJson<Type[Key]> }
      : Type;

/** A dashboard with the kinds of panels that docs/grafana/token-vault.json has. */
export type GrafanaDashboard = AsJson<
  Omit<Dashboard, 'panels'> & {
    panels: (
      | RowPanel
      | PanelOf<'stat', StatOptions, never>
      | PanelOf<'table', TableOptions, Partial<TableFieldOptions>>
      | PanelOf<'timeseries', TimeSeriesOptions, GraphFieldConfig>
    )[];
  }
>;
