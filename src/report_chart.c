/*
 * report_chart.c
 *	  Charts of sums, as SVG in a page: bars over time, hours of the week, and a bar in the
 *	  row of a table. Colours are classes of the page's style, which has others for paper
 *	  and for the dark. Text from data is in none of them.
 */
#include "postgres.h"

#include <math.h>

#include "report_chart.h"

#define WIDTH 760
#define LEFT 52   /* of the plot: numbers stand there */
#define TOP 26    /* the key to the colours stands there */
#define BOTTOM 22 /* times stand there */
#define LABELS 12 /* of times, at most */
#define HOURS 8   /* these are longer */
#define TICKS 5   /* of numbers, at most */
#define CELL_WIDTH 29
#define CELL_HEIGHT 24

/* Bars of one or two series, one on the other. */
typedef struct Bars
{
	const char *id;
	const char *title;
	const char *below; /* the series at the bottom: its class, and what it is called */
	const char *below_name;
	const char *above; /* NULL for none */
	const char *above_name;
	int height;
} Bars;

const char *const BaWeekdays[7] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

/* What the time from there on is called. */
char *
BaChartLabel(const char *unit, TimestampTz at)
{
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
										 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct pg_tm tm;
	fsec_t fsec;
	const char *month;

	if (timestamp2tm(at, NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
						errmsg("timestamp out of range")));
	month = months[tm.tm_mon - 1];
	return strcmp(unit, "hour") == 0 ?
			   psprintf("%d %s %02d h", tm.tm_mday, month, tm.tm_hour) :
		   strcmp(unit, "day") == 0   ? psprintf("%d %s", tm.tm_mday, month) :
		   strcmp(unit, "month") == 0 ? psprintf("%s %d", month, tm.tm_year) :
										psprintf("%d", tm.tm_year);
}

/* So long that few steps reach up to the highest: 1, 2 or 5, and zeros. */
static int64
Step(int64 highest)
{
	static const int factors[] = {1, 2, 5};
	int64 ten;
	int i;

	for (ten = 1; ten < PG_INT64_MAX / 100; ten *= 10)
		for (i = 0; i < lengthof(factors); i++)
			if (highest <= ten * factors[i] * TICKS)
				return ten * factors[i];
	return ten * 10;
}

static int64
Below(const BaSum *sum, const Bars *bars)
{
	return bars->above ? sum->acts : sum->changes;
}

static int64
Above(const BaSum *sum, const Bars *bars)
{
	return bars->above ? sum->refused : 0;
}

static int64
Highest(const BaSums *sums, const Bars *bars)
{
	int64 highest = 1;
	int i;

	for (i = 0; i < sums->bucket_count; i++)
		highest =
			Max(highest, Below(&sums->buckets[i], bars) + Above(&sums->buckets[i], bars));
	return highest;
}

static void
Open(StringInfo page, const char *id, int width, int height, const char *title,
	 const char *description)
{
	appendStringInfo(
		page,
		"<svg class=\"chart\" viewBox=\"0 0 %d %d\" role=\"img\""
		" aria-labelledby=\"%s-title %s-desc\">\n<title id=\"%s-title\">%s</title>\n"
		"<desc id=\"%s-desc\">%s</desc>\n",
		width, height, id, id, id, title, id, description);
}

static void
Key(StringInfo page, int x, const char *class, const char *name)
{
	appendStringInfo(page,
					 "<rect class=\"%s\" x=\"%d\" y=\"4\" width=\"10\" height=\"10\"/>"
					 "<text x=\"%d\" y=\"13\">%s</text>\n",
					 class, x, x + 15, name);
}

/* Lines across, with their numbers. */
static void
Ticks(StringInfo page, const Bars *bars, int64 top, int64 step)
{
	int plot = bars->height - TOP - BOTTOM;
	int64 at;

	for (at = 0; at <= top; at += step)
	{
		double y = TOP + plot - (double) at / top * plot;

		appendStringInfo(
			page,
			"<line class=\"grid\" x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\"/>"
			"<text class=\"end\" x=\"%d\" y=\"%.1f\">",
			LEFT, y, WIDTH, y, LEFT - 6, y + 4);
		BaHtmlNumber(page, at);
		appendStringInfoString(page, "</text>\n");
	}
}

static void
Bar(StringInfo page, const Bars *bars, const BaSum *sum, const char *label, double x,
	double width, double scale)
{
	double below = Below(sum, bars) * scale;
	double above = Above(sum, bars) * scale;
	double y = bars->height - BOTTOM - below;

	if (below + above == 0)
		return;
	appendStringInfo(page, "<g><title>%s: %s ", label, bars->below_name);
	BaHtmlNumber(page, Below(sum, bars));
	if (bars->above)
	{
		appendStringInfo(page, ", %s ", bars->above_name);
		BaHtmlNumber(page, Above(sum, bars));
	}
	appendStringInfo(
		page,
		"</title><rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
		bars->below, x, y, width, below);
	if (above > 0)
		appendStringInfo(
			page,
			"<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
			bars->above, x, y - above, width, above);
	appendStringInfoString(page, "</g>\n");
}

static void
DrawBars(StringInfo page, const BaSums *sums, const Bars *bars)
{
	int64 step = Step(Highest(sums, bars));
	int64 top = (Highest(sums, bars) + step - 1) / step * step;
	double scale = (double) (bars->height - TOP - BOTTOM) / top;
	double slot = (double) (WIDTH - LEFT) / sums->bucket_count;
	int labels = strcmp(sums->unit, "hour") == 0 ? HOURS : LABELS;
	int every = (sums->bucket_count + labels - 1) / labels;
	int i;

	Open(page, bars->id, WIDTH, bars->height, bars->title,
		 "A bar for each time. The table after it has the numbers.");
	Key(page, LEFT, bars->below, bars->below_name);
	if (bars->above)
		Key(page, LEFT + 110, bars->above, bars->above_name);
	Ticks(page, bars, top, step);
	for (i = 0; i < sums->bucket_count; i++)
	{
		char *label = BaChartLabel(sums->unit, sums->buckets[i].at);
		double x = LEFT + i * slot;

		Bar(page, bars, &sums->buckets[i], label, x + slot * 0.1, slot * 0.8, scale);
		if (i % every == 0)
			appendStringInfo(page, "<text x=\"%.1f\" y=\"%d\">%s</text>\n",
							 x + slot * 0.1, bars->height - 6, label);
	}
	appendStringInfoString(page, "</svg>\n");
}

void
BaChartActs(StringInfo page, const BaSums *sums)
{
	static const Bars bars = {
		"acts", "Acts and refusals over time", "acts", "acts", "refused", "refused", 230,
	};

	DrawBars(page, sums, &bars);
}

void
BaChartChanges(StringInfo page, const BaSums *sums)
{
	static const Bars bars = {
		"changes", "Changed rows over time", "changes", "rows changed", NULL, NULL, 130,
	};

	DrawBars(page, sums, &bars);
}

/* ------------------------------------------------------------------ hours of the week */

static int64
All(const BaSum *sum)
{
	return sum->acts + sum->changes + sum->refused;
}

/* Five signs at most. */
static char *
Short(int64 number)
{
	return number < 10000    ? psprintf(INT64_FORMAT, number) :
		   number < 10000000 ? psprintf(INT64_FORMAT "k", number / 1000) :
							   psprintf(INT64_FORMAT "M", number / 1000000);
}

static void
Cell(StringInfo page, const BaSum *sum, int day, int hour, int64 highest)
{
	int x = LEFT + hour * CELL_WIDTH;
	int y = TOP + day * CELL_HEIGHT;
	double shade = All(sum) == 0 ? 0 : 0.08 + 0.92 * sqrt((double) All(sum) / highest);

	appendStringInfo(page,
					 "<rect class=\"cell\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\""
					 " fill-opacity=\"%.2f\"/>",
					 x, y, CELL_WIDTH - 2, CELL_HEIGHT - 2, shade);
	if (All(sum) > 0)
		appendStringInfo(page, "<text class=\"middle%s\" x=\"%.1f\" y=\"%d\">%s</text>",
						 shade > 0.55 ? " on" : "", x + CELL_WIDTH / 2.0 - 1, y + 15,
						 Short(All(sum)));
	appendStringInfoChar(page, '\n');
}

void
BaChartWeek(StringInfo page, const BaSums *sums)
{
	int64 highest = 1;
	int day, hour;

	for (day = 0; day < 7; day++)
		for (hour = 0; hour < 24; hour++)
			highest = Max(highest, All(&sums->hours[day][hour]));
	Open(
		page, "week", LEFT + 24 * CELL_WIDTH, TOP + 7 * CELL_HEIGHT,
		"Entries by weekday and hour",
		"A field for each hour of the week, the darker the more. The table after it has the numbers.");
	for (hour = 0; hour < 24; hour++)
		appendStringInfo(page, "<text class=\"middle\" x=\"%.1f\" y=\"%d\">%02d</text>\n",
						 LEFT + (hour + 0.5) * CELL_WIDTH - 1, TOP - 8, hour);
	for (day = 0; day < 7; day++)
	{
		appendStringInfo(page, "<text class=\"end\" x=\"%d\" y=\"%d\">%s</text>\n",
						 LEFT - 8, TOP + day * CELL_HEIGHT + 15, BaWeekdays[day]);
		for (hour = 0; hour < 24; hour++)
			Cell(page, &sums->hours[day][hour], day, hour, highest);
	}
	appendStringInfoString(page, "</svg>\n");
}

/* ------------------------------------------------------------------- in a table's row */

/* The numbers stand beside it. */
void
BaChartBar(StringInfo page, const BaSum *sum, int64 most)
{
	const int64 parts[] = {sum->acts, sum->changes, sum->refused};
	static const char *const classes[] = {"acts", "changes", "refused"};
	double x = 0;
	int i;

	appendStringInfoString(
		page,
		"<svg class=\"bar\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">");
	for (i = 0; i < lengthof(parts); i++)
	{
		double width = 100.0 * parts[i] / Max(most, 1);

		if (width > 0)
			appendStringInfo(
				page,
				"<rect class=\"%s\" x=\"%.2f\" y=\"0\" width=\"%.2f\" height=\"10\"/>",
				classes[i], x, width);
		x += width;
	}
	appendStringInfoString(page, "</svg>");
}
