export { PIECES_MAX, PIECES_MIN, useOutfit, WORDS_MAX, type Piece } from "./outfit"
export { copyText, useSending, type Link } from "./sending"
