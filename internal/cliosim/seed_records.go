package cliosim

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// names are invented, in the scripts that clients of a firm write theirs in.
var names = []struct{ first, last string }{
	{"Ada", "Holloway"}, {"Björn", "Ångström-Lind"}, {"Zoë", "Núñez"}, {"Łucja", "Żółkowska"}, {"Siobhán", "Ó Maoláin"},
	{"Đặng", "Thị Hương"}, {"Ольга", "Полякова"}, {"Γιώργος", "Αλεξίου"}, {"שירה", "לוינסון"}, {"ليلى", "المنصوري"},
	{"美咲", "山本"}, {"伟", "欧阳"}, {"서연", "김"}, {"अनन्या", "शर्मा"}, {"สมหญิง", "ใจดี"}, {"ნინო", "ბერიძე"},
	{"Անի", "Սարգսյան"}, {"አበበ", "ተሰማ"}, {"தமிழ்", "செல்வி"}, {"İpek", "Yıldız"}, {"Nguyễn", "Văn Nam"}, {"O'Neil", "D’Arcy"},
}

var subjects = []string{
	"Custody of a minor", "Purchase of land", "Estate of a widow", "Dispute over a lease", "Séparation de biens",
	"Наследство", "離婚調停", "Κληρονομιά", "نزاع تجاري", "Formation of a company",
}

func (z *seeder) name() (first, last string) {
	n, m := names[z.pick(len(names))], names[z.pick(len(names))]
	if z.pick(4) > 0 {
		m = n
	}
	return n.first, m.last
}

// minutes and other multiples of a day that make dates.
func (z *seeder) date() string { return z.now.AddDate(0, 0, z.pick(1400)-700).Format("2006-01-02") }

func (z *seeder) contacts() error {
	for i := range z.o.Contacts {
		data := map[string]any{"is_client": z.pick(2) == 0}
		if z.pick(5) == 0 {
			_, last := z.name()
			data["type"], data["name"] = "Company", fmt.Sprintf("%s & Co. %d", last, i+1)
		} else {
			first, last := z.name()
			data["type"], data["first_name"], data["last_name"], data["name"] = "Person", first, last, first+" "+last
		}
		data["primary_email_address"] = fmt.Sprintf("client%d@mail.example", i+1)
		r, err := z.add("contact", kinds["contacts"].first, data)
		if err != nil {
			return err
		}
		if err := z.fillValues("Contact", r, i); err != nil {
			return err
		}
	}
	return nil
}

func (z *seeder) matters() error {
	for i := range z.o.Matters {
		data := map[string]any{
			"number": i + 1, "display_number": fmt.Sprintf("%05d", i+1), "description": subjects[z.pick(len(subjects))],
			"status": []string{"Open", "Open", "Open", "Pending", "Closed"}[z.pick(5)], "billable": z.pick(4) > 0,
			"open_date": z.date(), "responsible_attorney": ref(kinds["users"].first + int64(z.pick(2))),
		}
		if z.o.Contacts > 0 {
			client := kinds["contacts"].first + int64(z.pick(z.o.Contacts))
			data["client"], data["client_id"] = ref(client), client
		}
		if z.pick(3) == 0 { // family law shows its fields
			n, err := z.item()
			if err != nil {
				return err
			}
			data["custom_field_set_associations"] = []any{map[string]any{
				"id": n, "etag": `"` + n.String() + `-1"`, "display_order": 1, "custom_field_set": ref(kinds["custom_field_sets"].first + 1),
				"created_at": stamp(z.now.UnixMilli()), "updated_at": stamp(z.now.UnixMilli()),
			}}
		}
		r, err := z.add("matter", kinds["matters"].first, data)
		if err != nil {
			return err
		}
		if err := z.fillValues("Matter", r, i); err != nil {
			return err
		}
	}
	return nil
}

// fillValues gives a record its values; one in five was never set, one in ten
// was emptied, as far as the field is not required.
func (z *seeder) fillValues(parent string, r *record, i int) error {
	for _, f := range z.fields[parent] {
		state := z.pick(10)
		if state < 2 && !f.is("required") {
			continue
		}
		var text any
		if state > 2 || f.is("required") {
			made := z.value(f.text("field_type"), i)
			if made == nil {
				continue
			}
			raw, err := json.Marshal(made)
			if err != nil {
				return fmt.Errorf("cliosim: %w", err)
			}
			text = string(raw)
		}
		at := z.now.UnixMilli()
		if _, err := z.values.ExecContext(z.ctx, r.kind, r.id, f.id, at, at, text); err != nil {
			return fmt.Errorf("cliosim: %w", err)
		}
		z.firm.Values++
	}
	return nil
}

// value makes a value of a type in its normal form, for the i-th record; nil
// where there is nothing to refer to yet.
func (z *seeder) value(kind string, i int) any {
	first, last := z.name()
	switch kind {
	case "text_line":
		return fmt.Sprintf("%03d-%02d-%04d", 900+z.pick(100), 1+z.pick(99), 1+z.pick(9999))
	case "text_area":
		lines := []string{first + " " + last, z.date()}
		for range z.pick(3) {
			more, family := z.name()
			lines = append(lines, more+" "+family)
		}
		return strings.Join(lines, "\n")
	case "numeric":
		return strconv.Itoa(1000 * z.pick(400))
	case "currency":
		return fmt.Sprintf("%d.%02d", z.pick(2_000_000), z.pick(100))
	case "date":
		return z.date()
	case "time":
		return fmt.Sprintf("%02d:%02d:00", 8+z.pick(10), 15*z.pick(4))
	case "checkbox":
		return z.pick(2) == 0
	case "picklist":
		return z.options[z.pick(len(z.options))].String()
	case "email":
		return fmt.Sprintf("private%d@mail.example", z.pick(100_000))
	case "url":
		return fmt.Sprintf("https://people.example/%d", z.pick(100_000))
	case "contact":
		if i > 0 {
			return strconv.FormatInt(kinds["contacts"].first+int64(z.pick(i)), 10)
		}
	case "matter":
		if i > 0 {
			return strconv.FormatInt(kinds["matters"].first+int64(z.pick(i)), 10)
		}
	}
	return nil
}

// papers makes notes and activities, which plaintext also stands in.
func (z *seeder) papers() error {
	if z.o.Matters == 0 {
		return nil
	}
	for range z.o.Notes {
		first, last := z.name()
		_, err := z.add("note", kinds["notes"].first, map[string]any{
			"type": "Matter", "matter": ref(kinds["matters"].first + int64(z.pick(z.o.Matters))), "subject": "Call with " + first,
			"detail": first + " " + last + " called.", "detail_text_type": "plain_text", "date": z.date(), "author": ref(kinds["users"].first),
		})
		if err != nil {
			return err
		}
	}
	for range z.o.Activities {
		_, err := z.add("activity", kinds["activities"].first, map[string]any{
			"type": "TimeEntry", "matter": ref(kinds["matters"].first + int64(z.pick(z.o.Matters))), "date": z.date(), "quantity": 3600 * (1 + z.pick(8)),
			"price": 250.5, "note": subjects[z.pick(len(subjects))], "billed": false, "user": ref(kinds["users"].first),
		})
		if err != nil {
			return err
		}
	}
	return nil
}
