/** The parts of ECharts that we draw with, in one lazily loaded file. */
import { BarChart, LineChart } from "echarts/charts"
import { GridComponent, TooltipComponent } from "echarts/components"
import { init, use } from "echarts/core"
import { LabelLayout } from "echarts/features"
import { SVGRenderer } from "echarts/renderers"

use([BarChart, LineChart, GridComponent, TooltipComponent, LabelLayout, SVGRenderer])
export { init }
