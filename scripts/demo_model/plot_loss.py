"""Draws the loss curve of the training runs, from training_log.json to an SVG.

Usage: python3 plot_loss.py TRAINING_LOG.json OUT.svg
"""
import json
import math
import sys

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 860, 360, 70, 50, 30, 20


def main():
    runs = json.load(open(sys.argv[1]))
    points, dev, base = [], [], 0
    marks = []
    for run in runs:
        per_step = run["tokens_seen"] / run["steps"]
        points.append([(base + s * per_step, v) for s, v in run["loss"]])
        dev += [(base + d["step"] * per_step, d["unseen"][0] / d["unseen"][1], d["seen"][0] / d["seen"][1]) for d in run["dev"]]
        base += run["tokens_seen"]
        marks.append(base)
    lo, hi = 1e-4, 10.0
    x = lambda t: LEFT + (WIDTH - LEFT - RIGHT) * t / base
    y = lambda v: TOP + (HEIGHT - TOP - BOTTOM) * (math.log10(hi) - math.log10(max(v, lo))) / (math.log10(hi) - math.log10(lo))
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for e in range(-4, 2):
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(10.0 ** e):.1f}" y2="{y(10.0 ** e):.1f}" stroke="#ddd"/>'
                   f'<text x="{LEFT - 8}" y="{y(10.0 ** e) + 4:.1f}" text-anchor="end">{10.0 ** e:g}</text>')
    step = 500_000_000
    for t in range(0, int(base) + 1, step):
        out.append(f'<text x="{x(t):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{t / 1e9:g}</text>')
    for m in marks[:-1]:
        out.append(f'<line x1="{x(m):.1f}" x2="{x(m):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="#999" stroke-dasharray="4 3"/>')
    for p in points:
        out.append('<polyline fill="none" stroke="#1f6fb4" stroke-width="1.3" points="' + " ".join(f"{x(t):.1f},{y(v):.1f}" for t, v in p) + '"/>')
    for t, unseen, seen in dev:
        out.append(f'<text x="{x(t):.1f}" y="{TOP + 14}" text-anchor="middle" fill="#b44" font-size="10">{100 * unseen:.0f}</text>'
                   f'<text x="{x(t):.1f}" y="{TOP + 2}" text-anchor="middle" fill="#484" font-size="10">{100 * seen:.0f}</text>')
    out.append(f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 12}" text-anchor="middle">tokens seen, thousand millions (dashed: next run)</text>')
    out.append(f'<text x="14" y="{HEIGHT / 2}" transform="rotate(-90 14 {HEIGHT / 2})" text-anchor="middle">loss on the answers, nats a token</text>')
    out.append(f'<text x="{WIDTH - RIGHT}" y="12" text-anchor="end" font-size="11"><tspan fill="#484">dev score in %, seen wordings</tspan>, <tspan fill="#b44">unseen wordings</tspan></text></svg>')
    open(sys.argv[2], "w").write("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
