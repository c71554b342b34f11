/** sqrt(x² + y²) without overflow or underflow: `Math.hypot` where it is needed, which is ten times slower in V8. */
export function hypotenuse(x: number, y: number): number {
  const square = x * x + y * y;
  return square > 1e-280 && square < 1e280 ? Math.sqrt(square) : Math.hypot(x, y);
}
