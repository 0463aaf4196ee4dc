package demo

import (
	"bytes"
	"encoding/csv"
	"strings"
)

// product is a product under its real name, with those of its plans that the demo tells about.
type product struct {
	name, partNumber, id string
	plans                string // service plan names
}

// The products of the organisation, by part number.
const (
	microsoft365E3      = "SPE_E3"
	microsoft365E5      = "SPE_E5"
	microsoft365F3      = "SPE_F1"
	office365E1         = "STANDARDPACK"
	powerBIPro          = "POWER_BI_PRO"
	visioPlan2          = "VISIOCLIENT"
	projectPlan3        = "PROJECTPROFESSIONAL"
	teamsPhone          = "MCOEV"
	copilot             = "Microsoft_365_Copilot"
	dynamicsSales       = "DYN365_ENTERPRISE_SALES"
	dynamicsTeamMembers = "DYN365_ENTERPRISE_TEAM_MEMBERS"
	powerAutomate       = "POWERAUTOMATE_ATTENDED_RPA"
	clipchamp           = "Clipchamp_Premium"
)

var products = []product{
	{"Microsoft 365 E3", microsoft365E3, "05e9a617-0261-4cee-bb44-138d3ef5d965",
		"EXCHANGE_S_ENTERPRISE SHAREPOINTENTERPRISE OFFICESUBSCRIPTION SHAREPOINTWAC TEAMS1 " +
			"PROJECTWORKMANAGEMENT FORMS_PLAN_E3 WHITEBOARD_PLAN2 YAMMER_ENTERPRISE MICROSOFTBOOKINGS " +
			"CLIPCHAMP MICROSOFT_LOOP STREAM_O365_E3 SWAY POWERAPPS_O365_P2 FLOW_O365_P2 INTUNE_A " +
			"AAD_PREMIUM RMS_S_ENTERPRISE WIN10_PRO_ENT_SUB"},
	{"Microsoft 365 E5", microsoft365E5, "06ebc4ee-1bb5-47dd-8120-11324bc54e06",
		"EXCHANGE_S_ENTERPRISE SHAREPOINTENTERPRISE OFFICESUBSCRIPTION SHAREPOINTWAC TEAMS1 " +
			"PROJECTWORKMANAGEMENT FORMS_PLAN_E5 WHITEBOARD_PLAN3 YAMMER_ENTERPRISE MICROSOFTBOOKINGS " +
			"CLIPCHAMP MICROSOFT_LOOP STREAM_O365_E5 SWAY INTUNE_A AAD_PREMIUM AAD_PREMIUM_P2 " +
			"RMS_S_ENTERPRISE WIN10_PRO_ENT_SUB BI_AZURE_P2 MCOEV MCOMEETADV WINDEFATP LOCKBOX_ENTERPRISE " +
			"INSIDER_RISK"},
	{"Microsoft 365 F3", microsoft365F3, "66b55226-6b4f-492c-910c-a3b7a3c9d993",
		"EXCHANGE_S_DESKLESS SHAREPOINTDESKLESS OFFICEMOBILE_SUBSCRIPTION SHAREPOINTWAC TEAMS1 " +
			"Deskless PROJECTWORKMANAGEMENT FORMS_PLAN_K YAMMER_ENTERPRISE INTUNE_A AAD_PREMIUM " +
			"RMS_S_ENTERPRISE WIN10_ENT_LOC_F1"},
	{"Office 365 E1", office365E1, "18181a46-0d4e-45cd-891e-60aabd171b4e",
		"EXCHANGE_S_STANDARD SHAREPOINTSTANDARD SHAREPOINTWAC TEAMS1 YAMMER_ENTERPRISE FORMS_PLAN_E1 " +
			"OFFICEMOBILE_SUBSCRIPTION PROJECTWORKMANAGEMENT WHITEBOARD_PLAN1"},
	{"Power BI Pro", powerBIPro, "f8a1db68-be16-40ed-86d5-cb42ce701560",
		"BI_AZURE_P2 EXCHANGE_S_FOUNDATION"},
	{"Visio Plan 2", visioPlan2, "c5928f49-12ba-48f7-ada3-0d743a3601d5",
		"VISIO_CLIENT_SUBSCRIPTION VISIOONLINE ONEDRIVE_BASIC EXCHANGE_S_FOUNDATION"},
	{"Planner and Project Plan 3", projectPlan3, "53818b1b-4a27-454b-8896-0dba576410e6",
		"PROJECT_PROFESSIONAL PROJECT_CLIENT_SUBSCRIPTION SHAREPOINT_PROJECT SHAREPOINTENTERPRISE " +
			"SHAREPOINTWAC EXCHANGE_S_FOUNDATION"},
	{"Microsoft Teams Phone Standard", teamsPhone, "e43b5b99-8dfb-405f-9987-dc307f34bcbd",
		"MCOEV"},
	{"Microsoft Copilot for Microsoft 365", copilot, "639dec6b-bb19-468b-871c-c5c441c4b0cb",
		"M365_COPILOT_APPS M365_COPILOT_TEAMS M365_COPILOT_BUSINESS_CHAT " +
			"M365_COPILOT_INTELLIGENT_SEARCH M365_COPILOT_CONNECTORS GRAPH_CONNECTORS_COPILOT"},
	{"Dynamics 365 for Sales Enterprise Edition", dynamicsSales, "1e1a282c-9c54-43a2-9310-98ef728faace",
		"DYN365_ENTERPRISE_SALES POWERAPPS_DYN_APPS SHAREPOINTENTERPRISE SHAREPOINTWAC"},
	{"Dynamics 365 for Team Members Enterprise Edition", dynamicsTeamMembers, "8e7a3d30-d97d-43ab-837c-d7701cef83dc",
		"DYN365_ENTERPRISE_TEAM_MEMBERS POWERAPPS_DYN_TEAM TEAMS1"},
	{"Power Automate Premium", powerAutomate, "eda1941c-3c4f-4995-b5eb-e85a42175ab9",
		"POWER_AUTOMATE_ATTENDED_RPA EXCHANGE_S_FOUNDATION"},
	{"Clipchamp Premium", clipchamp, "0fe440c5-f2bf-442b-a4f4-9a7af77a200b",
		"CLIPCHAMP CLIPCHAMP_PREMIUM ONEDRIVECLIPCHAMP EXCHANGE_S_FOUNDATION"},
}

// plan is an app or service under its real name.
type plan struct{ serviceName, id, name string }

var plans = []plan{
	{"EXCHANGE_S_ENTERPRISE", "efb87545-963c-4e0d-99df-69c6916d9eb0", "Exchange Online (Plan 2)"},
	{"SHAREPOINTENTERPRISE", "5dbe027f-2339-4123-9542-606e4d348a72", "SharePoint (Plan 2)"},
	{"OFFICESUBSCRIPTION", "43de0ff5-c92c-492b-9116-175376d08c38", "Microsoft 365 Apps for enterprise"},
	{"SHAREPOINTWAC", "e95bec33-7c88-4a70-8e19-b10bd9d0c014", "Office for the Web"},
	{"TEAMS1", "57ff2da0-773e-42df-b2af-ffb7a2317929", "Microsoft Teams"},
	{"PROJECTWORKMANAGEMENT", "b737dad2-2f6c-4c65-90e3-ca563267e8b9", "Microsoft Planner"},
	{"FORMS_PLAN_E3", "2789c901-c14e-48ab-a76a-be334d9d793a", "Microsoft Forms (Plan E3)"},
	{"WHITEBOARD_PLAN2", "94a54592-cd8b-425e-87c6-97868b000b91", "Whiteboard (Plan 2)"},
	{"YAMMER_ENTERPRISE", "7547a3fe-08ee-4ccb-b430-5077c5041653", "Yammer Enterprise"},
	{"MICROSOFTBOOKINGS", "199a5c09-e0ca-4e37-8f7c-b05d533e1ea2", "Microsoft Bookings"},
	{"CLIPCHAMP", "a1ace008-72f3-4ea0-8dac-33b3a23a2472", "Microsoft Clipchamp"},
	{"MICROSOFT_LOOP", "c4b8c31a-fb44-4c65-9837-a21f55fcabda", "Microsoft Loop"},
	{"STREAM_O365_E3", "9e700747-8b1d-45e5-ab8d-ef187ceec156", "Microsoft Stream for Office 365 E3"},
	{"SWAY", "a23b959c-7ce8-4e57-9140-b90eb88a9e97", "Sway"},
	{"POWERAPPS_O365_P2", "c68f8d98-5534-41c8-bf36-22fa496fa792", "Power Apps for Office 365"},
	{"FLOW_O365_P2", "76846ad7-7776-4c40-a281-a386362dd1b9", "Power Automate for Office 365"},
	{"INTUNE_A", "c1ec4a95-1f05-45b3-a911-aa3fa01094f5", "Microsoft Intune Plan 1"},
	{"AAD_PREMIUM", "41781fb2-bc02-4b7c-bd55-b576c07bb09d", "Microsoft Entra ID P1"},
	{"RMS_S_ENTERPRISE", "bea4c11e-220a-4e6d-8eb8-8ea15d019f90", "Azure Rights Management"},
	{"WIN10_PRO_ENT_SUB", "21b439ba-a0ca-424f-a6cc-52f954a5b111", "Windows 10/11 Enterprise (Original)"},
	{"FORMS_PLAN_E5", "e212cbc7-0961-4c40-9825-01117710dcb1", "Microsoft Forms (Plan E5)"},
	{"WHITEBOARD_PLAN3", "4a51bca5-1eff-43f5-878c-177680f191af", "Whiteboard (Plan 3)"},
	{"STREAM_O365_E5", "6c6042f5-6f01-4d67-b8c1-eb99d36eed3e", "Microsoft Stream for Office 365 E5"},
	{"AAD_PREMIUM_P2", "eec0eb4f-6444-4f95-aba0-50c24d67f998", "Microsoft Entra ID P2"},
	{"BI_AZURE_P2", "70d33638-9c74-4d01-bfd3-562de28bd4ba", "Power BI Pro"},
	{"MCOEV", "4828c8ec-dc2e-4779-b502-87ac9ce28ab7", "Microsoft 365 Phone System"},
	{"MCOMEETADV", "3e26ee1f-8a5f-4d52-aee2-b81ce45c8f40", "Microsoft 365 Audio Conferencing"},
	{"WINDEFATP", "871d91ec-ec1a-452b-a83f-bd76c7d770ef", "Microsoft Defender for Endpoint"},
	{"LOCKBOX_ENTERPRISE", "9f431833-0334-42de-a7dc-70aa40db46db", "Customer Lockbox"},
	{"INSIDER_RISK", "d587c7a3-bda9-4f99-8776-9bcf59c84f75", "Microsoft Insider Risk Management"},
	{"EXCHANGE_S_DESKLESS", "4a82b400-a79f-41a4-b4e2-e94f5787b113", "Exchange Online Kiosk"},
	{"SHAREPOINTDESKLESS", "902b47e5-dcb2-4fdc-858b-c63a90a2bdb9", "SharePoint Kiosk"},
	{"OFFICEMOBILE_SUBSCRIPTION", "c63d4d19-e8cb-460e-b37c-4d6c34603745", "Office Mobile Apps for Office 365"},
	{"Deskless", "8c7d2df8-86f0-4902-b2ed-a0458298f3b3", "Microsoft StaffHub"},
	{"FORMS_PLAN_K", "f07046bd-2a3c-4b96-b0be-dea79d7cbfb8", "Microsoft Forms (Plan F1)"},
	{"WIN10_ENT_LOC_F1", "e041597c-9c7f-4ed9-99b0-2663301576f7", "Windows 10 Enterprise E3 (Local Only)"},
	{"EXCHANGE_S_STANDARD", "9aaf7827-d63c-4b61-89c3-182f06f82e5c", "Exchange Online (Plan 1)"},
	{"SHAREPOINTSTANDARD", "c7699d2e-19aa-44de-8edf-1736da088ca1", "SharePoint (Plan 1)"},
	{"FORMS_PLAN_E1", "159f4cd6-e380-449f-a816-af1a9ef76344", "Microsoft Forms (Plan E1)"},
	{"WHITEBOARD_PLAN1", "b8afc642-032e-4de5-8c0a-507a7bba7e5d", "Whiteboard (Plan 1)"},
	{"EXCHANGE_S_FOUNDATION", "113feb6c-3fe4-4440-bddc-54d774bf0318", "Exchange Foundation"},
	{"VISIO_CLIENT_SUBSCRIPTION", "663a804f-1c30-4ff0-9915-9db84f0d1cea", "Visio Desktop App"},
	{"VISIOONLINE", "2bdbaf8f-738f-4ac7-9234-3c3ee2ce7d0f", "Visio Web App"},
	{"ONEDRIVE_BASIC", "da792a53-cbc0-4184-a10d-e544dd34b3c1", "OneDrive for Business (Basic)"},
	{"PROJECT_PROFESSIONAL", "818523f5-016b-4355-9be8-ed6944946ea7", "Project P3"},
	{"PROJECT_CLIENT_SUBSCRIPTION", "fafd7243-e5c1-4a3a-9e40-495efcb1d3c3", "Project Online Desktop Client"},
	{"SHAREPOINT_PROJECT", "fe71d6c3-a2ea-4499-9778-da042bf08063", "Project Online Service"},
	{"M365_COPILOT_APPS", "a62f8878-de10-42f3-b68f-6149a25ceb97", "Microsoft 365 Copilot in Productivity Apps"},
	{"M365_COPILOT_TEAMS", "b95945de-b3bd-46db-8437-f2beb6ea2347", "Microsoft 365 Copilot in Microsoft Teams"},
	{"M365_COPILOT_BUSINESS_CHAT", "3f30311c-6b1e-48a4-ab79-725b469da960", "Microsoft Copilot with Graph-grounded chat"},
	{"M365_COPILOT_INTELLIGENT_SEARCH", "931e4a88-a67f-48b5-814f-16a5f1e6028d", "Intelligent Search"},
	{"M365_COPILOT_CONNECTORS", "89f1c4c8-0878-40f7-804d-869c9128ab5d", "Power Platform Connectors in Microsoft 365 Copilot"},
	{"GRAPH_CONNECTORS_COPILOT", "82d30987-df9b-4486-b146-198b21d164c7", "Graph Connectors in Microsoft 365 Copilot"},
	{"DYN365_ENTERPRISE_SALES", "2da8e897-7791-486b-b08f-cc63c8129df7", "Dynamics 365 for Sales"},
	{"POWERAPPS_DYN_APPS", "874fc546-6efe-4d22-90b8-5c4e7aa59f4b", "Power Apps for Dynamics 365"},
	{"DYN365_ENTERPRISE_TEAM_MEMBERS", "6a54b05e-4fab-40e7-9828-428db3b336fa", "Dynamics 365 for Team Members"},
	{"POWERAPPS_DYN_TEAM", "52e619e2-2730-439a-b0d3-d09ab7e8b705", "Power Apps for Dynamics 365"},
	{"POWER_AUTOMATE_ATTENDED_RPA", "375cd0ad-c407-49fd-866a-0bff4f8a9a4d", "Power Automate RPA Attended"},
	{"CLIPCHAMP_PREMIUM", "430b908f-78e1-4812-b045-cf83320e7d5d", "Microsoft Clipchamp Premium"},
	{"ONEDRIVECLIPCHAMP", "f7e5b77d-f293-410a-bae8-f941f19fe680", "OneDrive for Business (Clipchamp)"},
}

// exclusions are the sets of plans of which nobody may have two.
var exclusions = []struct{ set, plans string }{
	{"Exchange Online", "EXCHANGE_S_STANDARD EXCHANGE_S_DESKLESS"},
	{"SharePoint Online", "SHAREPOINTENTERPRISE SHAREPOINTSTANDARD SHAREPOINTDESKLESS"},
	{"Dynamics CRM", "DYN365_ENTERPRISE_SALES DYN365_ENTERPRISE_TEAM_MEMBERS"},
}

// dependencies are plans that need any one of others.
var dependencies = []struct{ plan, anyOf string }{
	{"M365_COPILOT_APPS", "OFFICESUBSCRIPTION"},
	{"MCOMEETADV", "TEAMS1"},
}

// locations are plans that may not be used everywhere: in these countries only, or in all but
// those.
var locations = []struct{ plan, allowed, prohibited string }{
	{plan: "MCOEV", prohibited: "IN"},
	{plan: "LOCKBOX_ENTERPRISE", allowed: "BE DE FR GB NL PL SE US NG"},
}

// automatic are plans that come to everybody.
var automatic = []string{"SWAY"}

func productNamed(partNumber string) product {
	for _, p := range products {
		if p.partNumber == partNumber {
			return p
		}
	}
	return product{}
}

func planNamed(serviceName string) plan {
	for _, p := range plans {
		if p.serviceName == serviceName {
			return p
		}
	}
	return plan{}
}

// productFile is the catalogue in the vendor's format: the demo imports it as anybody would.
func productFile() (*bytes.Buffer, error) {
	rows := [][]string{{"Product_Display_Name", "String_Id", "GUID", "Service_Plan_Name", "Service_Plan_Id", "Service_Plans_Included_Friendly_Names"}}
	for _, p := range products {
		for name := range strings.FieldsSeq(p.plans) {
			s := planNamed(name)
			rows = append(rows, []string{p.name, p.partNumber, p.id, s.serviceName, s.id, s.name})
		}
	}
	return table(rows)
}

// exclusionFile is the exclusion sets in the format of catalog import.
func exclusionFile() (*bytes.Buffer, error) {
	rows := [][]string{{"Exclusion_Set", "Service_Plan_Name", "Service_Plan_Id"}}
	for _, e := range exclusions {
		for name := range strings.FieldsSeq(e.plans) {
			rows = append(rows, []string{e.set, name, planNamed(name).id})
		}
	}
	return table(rows)
}

// dependencyFile is the prerequisites in the format of catalog import.
func dependencyFile() (*bytes.Buffer, error) {
	rows := [][]string{{"Service_Plan_Id", "Requires_Any_Of"}}
	for _, d := range dependencies {
		var bases []string
		for name := range strings.FieldsSeq(d.anyOf) {
			bases = append(bases, planNamed(name).id)
		}
		rows = append(rows, []string{planNamed(d.plan).id, strings.Join(bases, ";")})
	}
	return table(rows)
}

// locationFile is the rules on countries in the format of catalog import.
func locationFile() (*bytes.Buffer, error) {
	rows := [][]string{{"Service_Plan_Id", "Allowed", "Prohibited"}}
	list := func(countries string) string { return strings.ReplaceAll(countries, " ", ";") }
	for _, l := range locations {
		rows = append(rows, []string{planNamed(l.plan).id, list(l.allowed), list(l.prohibited)})
	}
	return table(rows)
}

// automaticFile is the plans that come to everybody in the format of catalog import.
func automaticFile() (*bytes.Buffer, error) {
	rows := [][]string{{"Service_Plan_Id"}}
	for _, name := range automatic {
		rows = append(rows, []string{planNamed(name).id})
	}
	return table(rows)
}

func table(rows [][]string) (*bytes.Buffer, error) {
	var b bytes.Buffer
	return &b, csv.NewWriter(&b).WriteAll(rows)
}
