package locale

// english has the formats whose words depend on a number; in all others the format is the text.
var english = map[string]string{
	"%d users would lose a product and not get the one that this call adds in its place.":                  "%d {1:user|users} would lose a product and not get the one that this call adds in its place.",
	"%d users would lose a product; up to %d may without being asked.":                                     "%d {1:user|users} would lose a product; up to %d may without being asked.",
	"%s would have %d seats, and %d are consumed.":                                                         "%s would have %d {2:seat|seats}, and %d {3:is|are} consumed.",
	"Free %d seats first, or pass allowOverAllocation: true; holders then keep theirs and newcomers wait.": "Free %d {1:seat|seats} first, or pass allowOverAllocation: true; holders then keep theirs and newcomers wait.",
	"and %d more errors": "and %d more {1:error|errors}",
	"At most %d users may have %s through the group: seats for %d cannot be kept.":                                          "At most %d {1:user|users} may have %s through the group: seats for %d cannot be kept.",
	"No seat of %s is free for the user: %d of %d are taken, and %d are kept for members of groups.":                        "No seat of %s is free for the user: %d of %d {2:is|are} taken, and %d {4:is|are} kept for members of groups.",
	"At most %d users may have %s through %s, and no place is free.":                                                        "At most %d {1:user|users} may have %s through %s, and no place is free.",
	"No seat of %s is free: %d of %d are taken.":                                                                            "No seat of %s is free: %d of %d {2:is|are} taken.",
	"No seat of %s is free: %d seats are suspended or locked out.":                                                          "No seat of %s is free: %d {2:seat is|seats are} suspended or locked out.",
	"This is the last live subscription of %s: %d users would lose it, and the assignments to %d groups would be in error.": "This is the last live subscription of %s: %d {2:user|users} would lose it, and the assignments to %d {3:group|groups} would be in error.",
	"Creates a subscription of %s with %d seats: enough for %s and for all who come first.":                                 "Creates a subscription of %s with %d {2:seat|seats}: enough for %s and for all who come first.",
	"These changes end the last live subscription of a product: %d users would lose a product.":                             "These changes end the last live subscription of a product: %d {1:user|users} would lose a product.",
	"With %d seats, %s would have more than %d in all.":                                                                     "With %d {1:seat|seats}, %s would have more than %d in all.",
}
