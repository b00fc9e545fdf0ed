/** The value of a design token. */
export type Token = (name: string) => string

/** A line of a chart: `colour` is a token, `dash` as ECharts has it, `end` what is written where it ends, else its name. */
export interface Line {
  name: string
  colour: string
  values: (number | null)[]
  dash?: "solid" | number[]
  end?: string
  endColour?: string
}

/**
 * Lines over days, each named where it ends. `y` is what the axis of values has of its own, `right` the room for the
 * names, `value` how a value is written on the axis.
 */
export function overDays(token: Token, days: string[], { y, right = 116, top = 14, value }: { y: Record<string, unknown>; right?: number; top?: number; value?: (value: number) => string }) {
  const words = { color: token("--ink-2"), fontSize: 12 }
  return {
    animation: false,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    grid: { left: 4, right, top, bottom: 4, containLabel: true },
    xAxis: { type: "category", data: days, boundaryGap: false, axisTick: { show: false }, axisLine: { lineStyle: { color: token("--rule-2") } }, axisLabel: { ...words, hideOverlap: true } },
    yAxis: { type: "value", ...y, axisLabel: value ? { ...words, formatter: value } : words, splitLine: { lineStyle: { color: token("--rule") } } },
    tooltip: { trigger: "axis", transitionDuration: 0, backgroundColor: token("--raised"), borderColor: token("--rule"), textStyle: { color: token("--ink"), fontSize: 12 } },
  }
}

export function drawn(token: Token, { name, colour, values, dash = "solid", end = name, endColour = colour }: Line) {
  return {
    name,
    type: "line",
    data: values,
    showSymbol: false,
    symbolSize: 6,
    lineStyle: { width: 2, color: token(colour), type: dash },
    itemStyle: { color: token(colour) },
    endLabel: { show: true, formatter: end, color: token(endColour), fontSize: 12, fontWeight: 600, distance: 6 },
    labelLayout: { moveOverlap: "shiftY" },
    emphasis: { disabled: true },
  }
}
