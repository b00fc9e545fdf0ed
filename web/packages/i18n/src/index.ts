export * from "./format"
export * from "./setup"
